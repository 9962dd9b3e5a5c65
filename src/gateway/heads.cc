#include "gateway/heads.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "gateway/http1_chars.h"
#include "gateway/page.h"

namespace ecluse::gateway {

namespace {
void write_framing(const http1::Framing& framing, HeadWriter& out) {
  if (framing.kind == http1::BodyKind::kLength) out.field("Content-Length", framing.length);
  if (framing.kind == http1::BodyKind::kChunked) out.field("Transfer-Encoding", "chunked");
}

/// The protocol that the client speaks: RFC 9110 section 7.6.3.
std::string_view via(const http1::Request& request, const RequestExtras& extras) {
  if (extras.is_http2) return "Via: 2.0 ecluse\r\n";
  return request.version_minor == 0 ? "Via: 1.0 ecluse\r\n" : "Via: 1.1 ecluse\r\n";
}

bool is_max_forwards(const http1::Field& field) {
  return http1::equal_ignoring_case(field.name, "max-forwards");
}
}  // namespace

std::optional<std::uint64_t> hops_left(const http1::Request& request) {
  if (request.method != "OPTIONS") return std::nullopt;
  const auto* const field = std::ranges::find_if(request.fields, is_max_forwards);
  if (field == request.fields.end()) return std::nullopt;
  std::uint64_t hops = 0;
  const char* const end = field->value.data() + field->value.size();
  const auto parsed = std::from_chars(field->value.data(), end, hops);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return hops;
}

void write_request_head(const http1::Request& request, const RequestExtras& extras,
                        HeadWriter& out) {
  out.text(request.method).text(request.needs_slash ? " /" : " ").text(request.target);
  out.text(" HTTP/1.1\r\n").field("Host", request.authority);
  const auto hops = hops_left(request);
  for (const http1::Field& field : request.fields) {
    if (!http1::may_reach_app(field, request.connection)) continue;
    if (hops && is_max_forwards(field)) {
      out.field("Max-Forwards", *hops - 1);
      continue;
    }
    if (extras.drops_authorization && field.id == http1::FieldId::kAuthorization) continue;
    out.field(field.name, field.value);
  }
  write_framing(request.framing, out);
  if (request.expects_continue) out.field("Expect", "100-continue");
  if (extras.passes_upgrade) out.text("Connection: Upgrade\r\nUpgrade: websocket\r\n");
  out.field("X-Forwarded-For", extras.client_address);
  out.field("X-Forwarded-Proto", extras.is_secure ? "https" : "http");
  out.field("X-Forwarded-Host", request.authority);
  out.field("X-Request-ID", extras.request_id);
  out.text(via(request, extras));
  out.end();
}

namespace {
void write_status_line(const http1::Response& response, HeadWriter& out) {
  out.text("HTTP/1.1 ").number(static_cast<std::uint64_t>(response.status)).text(" ");
  out.text(response.reason).text("\r\n");
}

void write_forwarded(const http1::Response& response, HeadWriter& out) {
  for (const http1::Field& field : response.fields) {
    if (http1::may_reach_client(field, response.connection)) out.field(field.name, field.value);
  }
}

/// What the app said of who may keep its answer (RFC 9111 section 3).
enum class Keeping : std::uint8_t {
  kUnsaid,
  kNotShared,  ///< private, no-store
  kShared,     ///< anything else: a shared cache may keep it
};

/// A word to shared caches of one kind alone, which goes before Cache-Control there (RFC 9213).
bool is_for_other_caches(std::string_view name) {
  constexpr std::string_view kTargeted = "-cache-control";
  if (http1::equal_ignoring_case(name, "surrogate-control")) return true;
  return name.size() > kTargeted.size() &&
         http1::equal_ignoring_case(name.substr(name.size() - kTargeted.size()), kTargeted);
}

Keeping keeping_of(const http1::Response& response) {
  bool is_said = false;
  bool is_private = false;
  for (const http1::Field& field : response.fields) {
    if (is_for_other_caches(field.name)) return Keeping::kShared;
    is_said = is_said || http1::equal_ignoring_case(field.name, "expires");
    if (field.id != http1::FieldId::kCacheControl) continue;
    is_said = true;
    (void)http1::for_each_element(field.value, [&](std::string_view directive) {
      is_private = is_private || http1::equal_ignoring_case(directive, "private") ||
                   http1::equal_ignoring_case(directive, "no-store");
      return true;
    });
  }
  if (is_private) return Keeping::kNotShared;
  return is_said ? Keeping::kShared : Keeping::kUnsaid;
}

/// A shared cache would hand one client's id to everybody: it must not be able to keep one.
void write_cookies(const http1::Response& response, const Client& client, HeadWriter& out) {
  const bool sets_any = client.facts.sets_client_cookie || client.facts.sets_affinity_cookie;
  if (!sets_any) return;
  const Keeping keeping = keeping_of(response);
  if (keeping == Keeping::kShared) return;
  if (keeping == Keeping::kUnsaid) out.text("Cache-Control: private\r\n");
  if (client.facts.sets_client_cookie) {
    out.text("Set-Cookie: ").text(kClientCookie).text("=");
    out.text(client.exchange().client_id_text());
    out.text("; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax\r\n");
  }
  if (client.facts.sets_affinity_cookie) {
    std::array<char, 16> hex{};
    fmt::format_to_n(hex.data(), hex.size(), "{:016x}", client.affinity);
    out.text("Set-Cookie: ").text(kInstanceCookie).text("=").text({hex.data(), hex.size()});
    out.text("; Path=/; HttpOnly; SameSite=Lax\r\n");
  }
}

/// What stands for the body: also for a HEAD or 304, which tell of one they do not have.
void write_answer_framing(const http1::Response& response, const AnswerExtras& extras,
                          HeadWriter& out) {
  if (extras.as_chunks) {
    out.text("Transfer-Encoding: chunked\r\n");
  } else if (response.declared.kind == http1::BodyKind::kLength && response.status >= 200 &&
             response.status != 204) {
    out.field("Content-Length", response.declared.length);
  }
}
}  // namespace

void write_answer_head(const http1::Response& response, const Client& client,
                       const AnswerExtras& extras, HeadWriter& out) {
  write_status_line(response, out);
  write_forwarded(response, out);
  if (response.fields.value_of(http1::FieldId::kDate).empty()) out.field("Date", extras.date);
  write_answer_framing(response, extras, out);
  if (client.facts.shows_release) out.field("X-Ecluse-Release", client.release);
  if (client.facts.hsts_s > 0) {
    out.text("Strict-Transport-Security: max-age=").number(client.facts.hsts_s).text("\r\n");
  }
  write_cookies(response, client, out);
  if (response.status == 101) {
    out.text("Connection: Upgrade\r\nUpgrade: websocket\r\n");
  } else if (extras.closes) {
    out.text("Connection: close\r\n");
  } else if (client.facts.is_http10) {
    out.text("Connection: keep-alive\r\n");
  }
  out.end();
}

void write_interim_head(const http1::Response& response, HeadWriter& out) {
  write_status_line(response, out);
  write_forwarded(response, out);
  out.end();
}

namespace {
/// inet_ntop() does it by printf, which every request would pay for.
std::string_view dotted(std::span<const std::uint8_t, 4> bytes, std::span<char> room) {
  char* out = room.data();
  for (const std::uint8_t byte : bytes) {
    if (out != room.data()) *out++ = '.';
    out = std::to_chars(out, room.data() + room.size(), byte).ptr;
  }
  return {room.data(), out};
}
}  // namespace

std::string_view address_text(const in6_addr& address, std::span<char> room) {
  if (IN6_IS_ADDR_V4MAPPED(&address)) return dotted(std::span(address.s6_addr).last<4>(), room);
  const char* const text =
      ::inet_ntop(AF_INET6, address.s6_addr, room.data(), static_cast<socklen_t>(room.size()));
  return text == nullptr ? std::string_view("unknown") : std::string_view(text);
}

namespace {
std::string_view cookie_in(std::string_view cookies, std::string_view name) {
  while (!cookies.empty()) {
    const std::size_t end = std::min(cookies.find(';'), cookies.size());
    const std::string_view pair = http1::trim_ows(cookies.substr(0, end));
    if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=') {
      return pair.substr(name.size() + 1);
    }
    cookies.remove_prefix(std::min(end + 1, cookies.size()));
  }
  return {};
}
}  // namespace

Html html_wish(const http1::Fields& fields) {
  bool is_said = false;
  bool takes_any = false;
  bool is_asked = false;
  for (const http1::Field& field : fields) {
    if (!http1::equal_ignoring_case(field.name, "accept")) continue;
    is_said = true;
    (void)http1::for_each_element(field.value, [&](std::string_view element) {
      const std::string_view type = http1::trim_ows(element.substr(0, element.find(';')));
      takes_any = takes_any || type == "*/*" || http1::equal_ignoring_case(type, "text/*");
      is_asked = is_asked || http1::equal_ignoring_case(type, "text/html") ||
                 http1::equal_ignoring_case(type, "application/xhtml+xml");
      return true;
    });
  }
  if (is_asked) return Html::kAsked;
  return takes_any || !is_said ? Html::kAny : Html::kNo;
}

std::string_view cookie_value(const http1::Fields& fields, std::string_view name) {
  for (const http1::Field& field : fields) {
    if (field.id != http1::FieldId::kCookie) continue;
    if (const std::string_view found = cookie_in(field.value, name); !found.empty()) return found;
  }
  return {};
}

}  // namespace ecluse::gateway
