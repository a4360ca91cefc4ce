#pragma once
// What is answered to one HTTP request, before it becomes bytes.
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sep::gateway {

/// A body that answers may share: copies of it, and parts of it, cost no copy of the text.
class Body {
 public:
  Body() = default;
  Body(std::string text)  // NOLINT(google-explicit-constructor): a text is a body
      : text_(std::make_shared<const std::string>(std::move(text))), view_(*text_) {}
  explicit Body(std::shared_ptr<const std::string> text) : text_(std::move(text)), view_(*text_) {}

  std::string_view view() const { return view_; }
  std::size_t size() const { return view_.size(); }
  /// Bytes `first` to `first + length`; within the body.
  Body part(std::size_t first, std::size_t length) const {
    auto part = *this;
    part.view_ = view_.substr(first, length);
    return part;
  }

 private:
  std::shared_ptr<const std::string> text_;
  std::string_view view_;  // of *text_
};

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Reply {
  unsigned status = 200;
  Body body;
  std::string content_type = "application/json";  // empty: an answer without a body
  Headers headers;                                // beside those that every answer has, or in their place
};

}  // namespace sep::gateway
