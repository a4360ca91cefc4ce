#include "gateway/validation.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <re2/re2.h>

namespace sep::gateway {
namespace {

constexpr unsigned char kSchemasText[] = {
#embed "../../schema/generated/schemas.json"
};
constexpr char kOpenapiText[] = {
#embed "../../schema/generated/openapi.json"
};

// Bytes, and no groups to be taken out.
RE2::Options pattern_options() {
  RE2::Options options(RE2::Latin1);
  options.set_never_capture(true);
  return options;
}

enum Type : unsigned { kNull = 1, kBoolean = 2, kInteger = 4, kString = 8, kArray = 16, kObject = 32 };

struct TypeName {
  Type type;
  std::string_view name;    // in a schema
  std::string_view phrase;  // in a message
};
constexpr TypeName kTypes[] = {{kObject, "object", "an object"},       {kArray, "array", "a list"},
                               {kString, "string", "a string"},        {kInteger, "integer", "an integer"},
                               {kBoolean, "boolean", "true or false"}, {kNull, "null", "null"}};

// The type of a value; 0 for a number with a fraction or an exponent, which no document of sep has.
unsigned type_of(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return kNull;
    case json::kind::bool_:
      return kBoolean;
    case json::kind::int64:
    case json::kind::uint64:
      return kInteger;
    case json::kind::double_:
      return 0;
    case json::kind::string:
      return kString;
    case json::kind::array:
      return kArray;
    case json::kind::object:
      return kObject;
  }
  return 0;
}

std::string phrase_of(unsigned types) {
  std::string text;
  for (const auto& [type, name, phrase] : kTypes) {
    if ((types & type) == 0) continue;
    if (!text.empty()) text += " or ";
    text += phrase;
  }
  return text;
}

/// A schema, made ready for the walk. Only the keywords that schema/ uses are known; another one aborts.
struct Node {
  unsigned types = 0;  // 0: any
  std::vector<std::pair<std::string, const Node*>> properties;
  std::vector<std::string> required;
  bool additional_allowed = true;
  const Node* additional = nullptr;
  const Node* items = nullptr;
  std::optional<std::uint64_t> min_items, max_items, min_length, max_length;
  bool unique_items = false;
  std::optional<std::int64_t> minimum, maximum;
  std::unique_ptr<const RE2> pattern;
  std::vector<json::value> allowed;  // const or enum; empty: any
  std::vector<const Node*> one_of;
  std::string_view fault_code = errc::kInvalidValue;
  std::string hint;

  const Node* property(std::string_view name) const {
    for (const auto& [key, node] : properties) {
      if (key == name) return node;
    }
    return nullptr;
  }
};

std::string_view code_named(std::string_view name) {
  const auto* found = std::find(errc::kAll.begin(), errc::kAll.end(), name);
  SEP_ASSERT(found != errc::kAll.end());
  return *found;
}

/// All schemas, compiled; never changed afterwards, so every thread may read them.
class Schemas {
 public:
  Schemas()
      : documents_(
            json::parse(std::string_view(reinterpret_cast<const char*>(kSchemasText), sizeof kSchemasText))
                .as_object()) {
    for (const auto& [id, document] : documents_) roots_.emplace(id, at(std::string(id), ""));
  }

  const std::map<std::string, const Node*, std::less<>>& roots() const { return roots_; }

 private:
  // The node at `pointer` of the schema `id`.
  const Node* at(const std::string& id, const std::string& pointer) {
    const auto key = id + "#" + pointer;
    if (const auto found = nodes_.find(key); found != nodes_.end()) return found->second.get();
    const auto* document = documents_.if_contains(id);
    SEP_ASSERT(document != nullptr);
    boost::system::error_code error;
    const auto* schema = document->find_pointer(pointer, error);
    SEP_ASSERT(schema != nullptr && schema->is_object());
    auto& slot = nodes_[key] = std::make_unique<Node>();
    Node* node = slot.get();
    compile(schema->get_object(), id, *node);
    return node;
  }

  const Node* compiled(const json::value& schema, const std::string& id) {
    if (const auto* reference = schema.as_object().if_contains("$ref")) {
      const std::string target(reference->as_string());
      const auto hash = target.find('#');
      const auto file = target.substr(0, hash);
      return at(file.empty() ? id : resolved(id, file),
                hash == std::string::npos ? "" : target.substr(hash + 1));
    }
    inner_.push_back(std::make_unique<Node>());
    Node* node = inner_.back().get();
    compile(schema.get_object(), id, *node);
    return node;
  }

  // "../common.schema.json" beside "views/intent" is "common".
  static std::string resolved(const std::string& id, std::string file) {
    const auto slash = id.rfind('/');
    std::string folder = slash == std::string::npos ? "" : id.substr(0, slash + 1);
    while (file.starts_with("../")) {
      file.erase(0, 3);
      folder.clear();  // schema/ is two levels deep at most
    }
    constexpr std::string_view kSuffix = ".schema.json";
    SEP_ASSERT(file.ends_with(kSuffix));
    return folder + file.substr(0, file.size() - kSuffix.size());
  }

  void compile(const json::object& schema, const std::string& id, Node& node) {
    for (const auto& [key, value] : schema) compile_keyword(key, value, id, node);
    // Other readers of the schemas may match less cheaply than RE2.
    SEP_ASSERT(!node.pattern || (node.pattern->ok() && node.max_length));
  }

  void compile_keyword(std::string_view key, const json::value& value, const std::string& id, Node& node) {
    const auto count = [&] { return value.to_number<std::uint64_t>(); };
    if (key == "type") {
      for (const auto& type : kTypes) {
        if (type.name == value.as_string()) node.types |= type.type;
      }
      SEP_ASSERT(node.types != 0);
    } else if (key == "properties") {
      for (const auto& [name, member] : value.as_object())
        node.properties.emplace_back(name, compiled(member, id));
    } else if (key == "required") {
      for (const auto& name : value.as_array()) node.required.emplace_back(name.as_string());
    } else if (key == "additionalProperties") {
      if (value.is_bool())
        node.additional_allowed = value.get_bool();
      else
        node.additional = compiled(value, id);
    } else if (key == "items") {
      node.items = compiled(value, id);
    } else if (key == "minItems") {
      node.min_items = count();
    } else if (key == "maxItems") {
      node.max_items = count();
    } else if (key == "uniqueItems") {
      node.unique_items = value.as_bool();
    } else if (key == "minLength") {
      node.min_length = count();
    } else if (key == "maxLength") {
      node.max_length = count();
    } else if (key == "minimum") {
      node.minimum = value.to_number<std::int64_t>();
    } else if (key == "maximum") {
      node.maximum = value.to_number<std::int64_t>();
    } else if (key == "pattern") {
      node.pattern = std::make_unique<const RE2>(std::string(value.as_string()), pattern_options());
    } else if (key == "const") {
      node.allowed = {value};
    } else if (key == "enum") {
      node.allowed.assign(value.as_array().begin(), value.as_array().end());
    } else if (key == "oneOf") {
      for (const auto& branch : value.as_array()) node.one_of.push_back(compiled(branch, id));
    } else if (key == "x-fault-code") {
      node.fault_code = code_named(value.as_string());
    } else if (key == "x-hint") {
      node.hint = value.as_string();
    } else {
      static const std::set<std::string_view> kAnnotations = {"$schema", "$id",     "title",   "description",
                                                              "$defs",   "default", "$comment"};
      SEP_ASSERT(kAnnotations.contains(key));
    }
  }

  json::object documents_;
  std::map<std::string, std::unique_ptr<Node>> nodes_;  // what is referred to
  std::vector<std::unique_ptr<Node>> inner_;            // what stands inside another
  std::map<std::string, const Node*, std::less<>> roots_;
};

/// Where the walk is: a chain of keys and indices on the stack, made into a pointer only for a fault.
struct Path {
  const Path* parent = nullptr;
  std::string_view key;
  std::size_t index = 0;
  bool is_index = false;

  std::string pointer() const {
    if (parent == nullptr) return {};
    std::string text = parent->pointer() + "/";
    if (is_index) return text + std::to_string(index);
    for (const char c : key) {
      if (c == '~')
        text += "~0";
      else if (c == '/')
        text += "~1";
      else
        text += c;
    }
    return text;
  }
};

std::size_t code_points(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string one_of_text(const std::vector<json::value>& values) {
  std::string text = values.size() == 1 ? "must be " : "must be one of ";
  for (const auto& value : values) {
    if (&value != &values.front()) text += ", ";
    text += json::serialize(value);
  }
  return text;
}

class Walk {
 public:
  std::vector<Fault> faults;

  void check(const Node& node, const json::value& value, const Path& path) {
    if (!node.one_of.empty()) return check_one_of(node, value, path);
    if (node.types != 0 && (node.types & type_of(value)) == 0)
      return fault(path, errc::kWrongType, "must be " + phrase_of(node.types));
    if (!node.allowed.empty() &&
        std::find(node.allowed.begin(), node.allowed.end(), value) == node.allowed.end())
      return fault(path, node.fault_code, one_of_text(node.allowed));
    if (value.is_string()) check_string(node, value.get_string(), path);
    if (value.is_int64() || value.is_uint64()) check_integer(node, value, path);
    if (value.is_array()) check_array(node, value.get_array(), path);
    if (value.is_object()) check_object(node, value.get_object(), path);
  }

 private:
  void fault(const Path& path, std::string_view code, std::string message) {
    faults.push_back({path.pointer(), code, std::move(message)});
  }

  void check_string(const Node& node, std::string_view text, const Path& path) {
    const auto must_be = [&](std::string otherwise) {
      fault(path, node.fault_code, node.hint.empty() ? std::move(otherwise) : "must be " + node.hint);
    };
    if (node.min_length && code_points(text) < *node.min_length)
      return must_be(*node.min_length == 1
                         ? "must not be empty"
                         : fmt::format("must have at least {} characters", *node.min_length));
    if (node.max_length && code_points(text) > *node.max_length)
      return must_be(fmt::format("must have at most {} characters", *node.max_length));
    if (node.pattern && !RE2::PartialMatch({text.data(), text.size()}, *node.pattern))
      must_be("has the wrong form");
  }

  void check_integer(const Node& node, const json::value& value, const Path& path) {
    // What exceeds int64 exceeds every maximum.
    const bool huge = value.is_uint64() && value.get_uint64() > static_cast<std::uint64_t>(INT64_MAX);
    const auto number = huge ? INT64_MAX : value.to_number<std::int64_t>();
    const bool below = node.minimum && number < *node.minimum;
    const bool above = node.maximum && (huge || number > *node.maximum);
    if (!below && !above) return;
    if (node.minimum && node.maximum)
      return fault(path, node.fault_code, fmt::format("must be from {} to {}", *node.minimum, *node.maximum));
    fault(path, node.fault_code,
          below ? fmt::format("must be at least {}", *node.minimum)
                : fmt::format("must be at most {}", *node.maximum));
  }

  void check_array(const Node& node, const json::array& array, const Path& path) {
    const auto wrong_count = [&](std::string_view bound, std::uint64_t count) {
      fault(path, node.fault_code,
            fmt::format("must have {} {} element{}", bound, count, count == 1 ? "" : "s"));
    };
    if (node.min_items && node.min_items == node.max_items && array.size() != *node.min_items)
      wrong_count("exactly", *node.min_items);
    else if (node.min_items && array.size() < *node.min_items)
      wrong_count("at least", *node.min_items);
    else if (node.max_items && array.size() > *node.max_items)
      wrong_count("at most", *node.max_items);
    else if (node.unique_items && has_repeats(array))
      fault(path, node.fault_code, "must not have the same element twice");
    if (node.items == nullptr) return;
    // A list that is too long is at fault already; what is beyond is not looked at, so its length costs
    // nothing.
    const auto end = node.max_items ? std::min<std::size_t>(array.size(), *node.max_items) : array.size();
    for (std::size_t i = 0; i < end; ++i) check(*node.items, array[i], Path{&path, {}, i, true});
  }

  static bool has_repeats(const json::array& array) {
    for (auto element = array.begin(); element != array.end(); ++element) {
      if (std::find(array.begin(), element, *element) != element) return true;
    }
    return false;
  }

  void check_object(const Node& node, const json::object& object, const Path& path) {
    for (const auto& name : node.required) {
      if (!object.contains(name)) fault({&path, name}, errc::kMissingField, "is required");
    }
    for (const auto& [key, member] : object) {
      const Path at{&path, key};
      if (const auto* property = node.property(key))
        check(*property, member, at);
      else if (node.additional != nullptr)
        check(*node.additional, member, at);
      else if (!node.additional_allowed)
        fault(at, errc::kUnknownField, "is not a known field");
    }
  }

  // The branches of a oneOf differ in type, or are objects told apart by members with a `const`, or at last
  // by a member that only one of them knows.
  void check_one_of(const Node& node, const json::value& value, const Path& path) {
    std::vector<const Node*> branches;
    unsigned types = 0;
    for (const auto* branch : node.one_of) {
      types |= branch->types;
      if (branch->types == 0 || (branch->types & type_of(value)) != 0) branches.push_back(branch);
    }
    if (branches.empty()) return fault(path, errc::kWrongType, "must be " + phrase_of(types));
    while (branches.size() > 1) {
      const auto name = discriminator(branches);
      if (name.empty()) return check(branch_by_members(branches, value.get_object()), value, path);
      const auto* member = value.get_object().if_contains(name);
      if (member == nullptr) return fault({&path, name}, errc::kMissingField, "is required");
      std::vector<json::value> allowed;
      std::vector<const Node*> matching;
      for (const auto* branch : branches) {
        const auto* property = branch->property(name);
        if (property == nullptr) continue;
        const auto& constant = property->allowed.front();
        if (constant == *member) matching.push_back(branch);
        if (std::find(allowed.begin(), allowed.end(), constant) == allowed.end()) allowed.push_back(constant);
      }
      if (matching.empty()) {
        const bool right_type = type_of(*member) == type_of(allowed.front());
        return fault({&path, name}, right_type ? errc::kInvalidValue : errc::kWrongType,
                     one_of_text(allowed));
      }
      branches = std::move(matching);
    }
    check(*branches.front(), value, path);
  }

  // Of branches that no constant tells apart, the first that requires a member of the object which no other
  // knows; the first of all, the document's present form, where there is none.
  static const Node& branch_by_members(const std::vector<const Node*>& branches, const json::object& object) {
    for (const auto* branch : branches) {
      for (const auto& name : branch->required) {
        const bool known_to_others = std::ranges::any_of(
            branches, [&](const Node* other) { return other != branch && other->property(name) != nullptr; });
        if (!known_to_others && object.contains(name)) return *branch;
      }
    }
    return *branches.front();
  }

  // The first member by whose constant the branches differ; empty where there is none.
  static std::string_view discriminator(const std::vector<const Node*>& branches) {
    for (const auto& [name, node] : branches.front()->properties) {
      if (node->allowed.size() != 1) continue;
      for (const auto* other : branches) {
        const auto* property = other->property(name);
        if (property != nullptr && property->allowed.size() == 1 && property->allowed != node->allowed)
          return name;
      }
    }
    return {};
  }
};

const Schemas& schemas() {
  static const Schemas instance;
  return instance;
}

}  // namespace

std::string payload_schema(std::string_view topic) {
  return "payloads/" + std::string(topic);
}

std::vector<Fault> validate(SchemaId id, const json::value& document) {
  const auto root = schemas().roots().find(id);
  SEP_ASSERT(root != schemas().roots().end());
  Walk walk;
  walk.check(*root->second, document, Path{});
  return std::move(walk.faults);
}

bool has_schema(SchemaId id) {
  return schemas().roots().contains(id);
}

std::vector<std::string> schema_ids() {
  std::vector<std::string> ids;
  for (const auto& [id, root] : schemas().roots()) ids.push_back(id);
  return ids;
}

std::string_view openapi_json() {
  return {kOpenapiText, sizeof kOpenapiText};
}

}  // namespace sep::gateway
