#pragma once
// The two heads of an exchange as we write them: the request's to the app, the answer's to the
// client. Pure: all that is in them comes in as arguments.

#include <netinet/in.h>

#include <cstdint>
#include <optional>
#include <string_view>

#include "gateway/connection.h"
#include "gateway/head_writer.h"
#include "gateway/http1_head.h"

namespace ecluse::gateway {

struct RequestExtras {
  std::string_view client_address;
  std::string_view request_id;
  bool is_secure = false;            ///< the client came by TLS
  bool is_http2 = false;             ///< and speaks HTTP/2
  bool drops_authorization = false;  ///< it was meant for us
  bool passes_upgrade = false;       ///< to a WebSocket
};
/// How many more times an OPTIONS request may be passed on (Max-Forwards, RFC 9110 section 7.6.2);
/// nothing: it does not say, or is another method. At 0 the answer is ours to give.
std::optional<std::uint64_t> hops_left(const http1::Request& request);
void write_request_head(const http1::Request& request, const RequestExtras& extras,
                        HeadWriter& out);

struct AnswerExtras {
  std::string_view date;  ///< for an app that gave none
  bool closes = false;
  bool as_chunks = false;
};
/// A final answer, or a 101 that was asked for.
void write_answer_head(const http1::Response& response, const Client& client,
                       const AnswerExtras& extras, HeadWriter& out);
/// A 1xx other than 101.
void write_interim_head(const http1::Response& response, HeadWriter& out);

/// Text of an address; an IPv4 one without its mapping. `room` holds INET6_ADDRSTRLEN bytes.
std::string_view address_text(const in6_addr& address, std::span<char> room);
/// The value of `name` in a Cookie field, or an empty view.
std::string_view cookie_value(const http1::Fields& fields, std::string_view name);

/// What the Accept fields say of HTML (RFC 9110 section 12.5.1); weights are passed over.
Html html_wish(const http1::Fields& fields);

inline constexpr std::string_view kClientCookie = "ecluse_client";
inline constexpr std::string_view kInstanceCookie = "ecluse_instance";
inline constexpr std::string_view kOverrideCookie = "ecluse_override";

}  // namespace ecluse::gateway
