#pragma once
// What the headers of a request ask of a representation (RFC 9110): its coding, whether it is known already,
// a part of it. Pure; a header that is malformed counts as absent, as the RFC has it.
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace sep::gateway {

/// In order of preference where a client likes them equally: the last one first.
enum class Encoding { kIdentity, kGzip, kBrotli };
std::string_view to_string(Encoding encoding);  // "identity", "gzip", "br"
std::optional<Encoding> parse_encoding(std::string_view text);

/// Of `available` and identity, what the header Accept-Encoding likes best (RFC 9110, 12.5.3). Identity also
/// where the client refuses all of them: it is better than no answer.
Encoding choose_encoding(std::string_view accept_encoding, std::span<const Encoding> available);

/// True where the header Accept names text/html itself, as browsers do for a page that a person opens.
bool accepts_html(std::string_view accept);

/// The ETag of a representation in this coding: "\"5f2a\"" in gzip is "\"5f2a-gzip\"".
std::string encoded_etag(std::string_view etag, Encoding encoding);
/// Whether the header If-None-Match names `etag` (or is "*"), compared weakly.
bool if_none_match(std::string_view header, std::string_view etag);
/// Whether the header If-Range allows a part of what has `etag`: it is absent, or names it, compared
/// strongly. A date never does, since no answer has a Last-Modified.
bool if_range(std::string_view header, std::string_view etag);

/// What the header Range asks of a body: all of it (also where it is absent, malformed or asks for several
/// parts), a part, or one that is not there.
struct WholeBody {};
struct BodyPart {
  std::size_t first = 0;
  std::size_t length = 0;  // at least 1
};
struct NoSuchPart {};
using Range = std::variant<WholeBody, BodyPart, NoSuchPart>;
Range parse_range(std::string_view header, std::size_t size);

/// `text` in gzip (RFC 1952), at a level that costs little time.
std::string gzip(std::string_view text);

}  // namespace sep::gateway
