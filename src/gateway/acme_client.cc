#include "gateway/acme_client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <ctime>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/text.h"
#include "gateway/acme_jws.h"
#include "gateway/certificate_maker.h"
#include "gateway/http1_chars.h"

namespace ecluse::gateway {

namespace {
using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr long kTimeoutS = 60;
constexpr std::size_t kAnswerBytesMax = 1 << 20;
constexpr int kNonceTries = 20;    ///< a server that refuses one in three is met once in 10^10
constexpr seconds kPatience{180};  ///< for one authorization or one order
constexpr seconds kPollMax{15};
constexpr std::int64_t kRetryAfterMaxS = 7 * 86'400;

struct Answer {
  long status = 0;
  std::string nonce;
  std::string location;
  std::string retry_after;
  std::string body;
};

std::size_t take_body(char* bytes, std::size_t, std::size_t count, void* user) {
  auto& answer = *static_cast<Answer*>(user);
  if (answer.body.size() + count > kAnswerBytesMax) return 0;  // curl then fails the transfer
  answer.body.append(bytes, count);
  return count;
}

std::size_t take_field(char* bytes, std::size_t, std::size_t count, void* user) {
  auto& answer = *static_cast<Answer*>(user);
  const std::string_view line = trim(std::string_view(bytes, count));
  const std::size_t colon = std::min(line.find(':'), line.size());
  const auto keep = [&](std::string_view name, std::string& into) {
    if (http1::equal_ignoring_case(line.substr(0, colon), name) && colon < line.size()) {
      into = trim(line.substr(colon + 1));
    }
  };
  keep("Replay-Nonce", answer.nonce);
  keep("Location", answer.location);
  keep("Retry-After", answer.retry_after);
  return count;
}

json parse(const std::string& text) {
  json parsed = json::parse(text, nullptr, false);
  return parsed.is_object() ? parsed : json::object();
}

std::string text_in(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}
}  // namespace

std::int64_t parse_retry_after(const std::string& value, std::int64_t now_s) {
  std::int64_t wait_s = 0;
  const auto parsed = std::from_chars(value.data(), value.data() + value.size(), wait_s);
  const bool is_number = parsed.ec == std::errc() && parsed.ptr == value.data() + value.size();
  if (!is_number) {
    const std::time_t date = ::curl_getdate(value.c_str(), nullptr);
    wait_s = date < 0 ? 0 : date - now_s;
  }
  return std::clamp<std::int64_t>(wait_s, 0, kRetryAfterMaxS);
}

/// Requests to one server: nonces, signatures, and what failures mean.
class AcmeClient::Wire {
 public:
  Wire(AcmeServer server, KeyHandle key)
      : server_(std::move(server)), key_(std::move(key)), curl_(::curl_easy_init()) {}
  ~Wire() { ::curl_easy_cleanup(curl_); }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  Result<void> read_directory();
  /// A signed POST; an empty payload reads (POST-as-GET). Errors are the server's own words.
  Result<Answer> post(const std::string& url, const std::string& payload);

  std::string url_of(const char* what) const { return text_in(directory_, what); }
  const KeyHandle& key() const { return key_; }
  std::string account;
  std::int64_t retry_after_s = 0;

 private:
  enum class Method { kGet, kHead, kPost };
  Result<Answer> exchange(Method method, const std::string& url, const std::string& body);
  Result<std::string> take_nonce();
  Error problem(const std::string& url, const Answer& answer);

  AcmeServer server_;
  KeyHandle key_;
  CURL* curl_;
  json directory_;
  std::string nonce_;
};

Result<Answer> AcmeClient::Wire::exchange(Method method, const std::string& url,
                                          const std::string& body) {
  if (curl_ == nullptr) return fail(ErrorKind::kExhausted, "libcurl could not start");
  if (!url.starts_with("https://")) {
    return fail(ErrorKind::kInvalid, fmt::format("'{}' is no https:// address", printable(url)));
  }
  Answer answer;
  ::curl_easy_reset(curl_);
  ::curl_easy_setopt(curl_, CURLOPT_URL, url.c_str());
  ::curl_easy_setopt(curl_, CURLOPT_PROTOCOLS_STR, "https");
  ::curl_easy_setopt(curl_, CURLOPT_USERAGENT, "ecluse/" ECLUSE_VERSION);
  ::curl_easy_setopt(curl_, CURLOPT_TIMEOUT, kTimeoutS);
  ::curl_easy_setopt(curl_, CURLOPT_NOSIGNAL, 1L);
  ::curl_easy_setopt(curl_, CURLOPT_WRITEFUNCTION, take_body);
  ::curl_easy_setopt(curl_, CURLOPT_WRITEDATA, &answer);
  ::curl_easy_setopt(curl_, CURLOPT_HEADERFUNCTION, take_field);
  ::curl_easy_setopt(curl_, CURLOPT_HEADERDATA, &answer);
  if (!server_.trusted.empty()) {
    ::curl_easy_setopt(curl_, CURLOPT_CAINFO, server_.trusted.c_str());
  }
  curl_slist* fields = nullptr;
  if (method == Method::kHead) ::curl_easy_setopt(curl_, CURLOPT_NOBODY, 1L);
  if (method == Method::kPost) {
    fields = ::curl_slist_append(nullptr, "Content-Type: application/jose+json");
    ::curl_easy_setopt(curl_, CURLOPT_HTTPHEADER, fields);
    ::curl_easy_setopt(curl_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    ::curl_easy_setopt(curl_, CURLOPT_POSTFIELDS, body.c_str());
  }
  const CURLcode code = ::curl_easy_perform(curl_);
  ::curl_slist_free_all(fields);
  if (code != CURLE_OK) {
    return fail(ErrorKind::kUnavailable, fmt::format("{}: {}", url, ::curl_easy_strerror(code)));
  }
  ::curl_easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &answer.status);
  if (!answer.nonce.empty()) nonce_ = answer.nonce;
  return answer;
}

Result<void> AcmeClient::Wire::read_directory() {
  ECLUSE_ASSIGN(const Answer answer, exchange(Method::kGet, server_.directory, ""));
  if (answer.status != 200) return fail(problem(server_.directory, answer));
  directory_ = parse(answer.body);
  for (const char* const what : {"newNonce", "newAccount", "newOrder"}) {
    if (!url_of(what).empty()) continue;
    return fail(ErrorKind::kInvalid,
                fmt::format("{} is no ACME directory: it has no {}", server_.directory, what));
  }
  return {};
}

Result<std::string> AcmeClient::Wire::take_nonce() {
  if (nonce_.empty()) ECLUSE_TRY(exchange(Method::kHead, url_of("newNonce"), ""));
  if (nonce_.empty()) return fail(ErrorKind::kUnavailable, "the ACME server gives no nonce");
  return std::exchange(nonce_, {});
}

/// RFC 7807's problem document in one sentence.
Error AcmeClient::Wire::problem(const std::string& url, const Answer& answer) {
  retry_after_s = parse_retry_after(answer.retry_after, std::time(nullptr));
  const json body = parse(answer.body);
  std::string type = text_in(body, "type");
  type = type.substr(type.rfind(':') + 1);
  const bool is_later = answer.status == 429 || answer.status >= 500 || type == "rateLimited";
  return {is_later ? ErrorKind::kUnavailable : ErrorKind::kRefused,
          fmt::format("{} answered {} {}: {}", url, answer.status, printable(type),
                      printable(text_in(body, "detail"), 500))};
}

Result<Answer> AcmeClient::Wire::post(const std::string& url, const std::string& payload) {
  retry_after_s = 0;
  for (int i = 0;; ++i) {
    ECLUSE_ASSIGN(const std::string nonce, take_nonce());
    ECLUSE_ASSIGN(const std::string message,
                  sign_jws(key_, {.nonce = nonce, .url = url, .account = account}, payload));
    ECLUSE_ASSIGN(Answer answer, exchange(Method::kPost, url, message));
    if (answer.status < 400) return answer;
    const bool is_bad_nonce = text_in(parse(answer.body), "type").ends_with(":badNonce");
    // RFC 8555 section 6.5: it came with a fresh one, so the very same is sent again.
    if (!is_bad_nonce || i == kNonceTries) return fail(problem(url, answer));
  }
}

AcmeClient::~AcmeClient() = default;
std::int64_t AcmeClient::retry_after_s() const {
  return wire_->retry_after_s;
}

Result<std::unique_ptr<AcmeClient>> AcmeClient::open(AcmeServer server, KeyHandle account_key) {
  std::unique_ptr<AcmeClient> client(new AcmeClient());
  const std::string contact = server.contact;
  client->wire_ = std::make_unique<Wire>(std::move(server), std::move(account_key));
  ECLUSE_TRY(client->wire_->read_directory());
  ECLUSE_TRY(client->open_account(contact));
  return client;
}

/// The same key gets the same account: RFC 8555 section 7.3.1.
Result<void> AcmeClient::open_account(const std::string& contact) {
  json wanted{{"termsOfServiceAgreed", true}};
  if (!contact.empty()) wanted["contact"] = json::array({"mailto:" + contact});
  ECLUSE_ASSIGN(const Answer answer, wire_->post(wire_->url_of("newAccount"), wanted.dump()));
  if (answer.location.empty()) {
    return fail(ErrorKind::kUnavailable, "the ACME server did not say which account is ours");
  }
  wire_->account = answer.location;
  return {};
}

namespace {
/// The first challenge of that type, or why there is none.
Result<json> challenge_in(const json& authorization, const std::string& type) {
  std::string others;
  for (const json& each : authorization.value("challenges", json::array())) {
    if (text_in(each, "type") == type) return each;
    others += " " + text_in(each, "type");
  }
  return fail(ErrorKind::kRefused,
              fmt::format("the ACME server offers no {} here, only{}", type, others));
}

/// Why an authorization is invalid: the error of the challenge that was tried.
std::string reason_in(const json& authorization) {
  for (const json& each : authorization.value("challenges", json::array())) {
    if (each.contains("error")) return text_in(each.at("error"), "detail");
  }
  return "the ACME server gave no reason";
}

void wait_before_poll(const Answer& answer, int tries) {
  const std::int64_t asked_s = parse_retry_after(answer.retry_after, std::time(nullptr));
  const milliseconds usual(250LL << std::min(tries, 6));
  std::this_thread::sleep_for(
      std::min<milliseconds>(asked_s > 0 ? milliseconds(asked_s * 1000) : usual, kPollMax));
}
}  // namespace

Result<void> AcmeClient::authorize(const std::string& url, const std::string& type,
                                   AcmeResponder& responder) {
  ECLUSE_ASSIGN(const Answer answer, wire_->post(url, ""));
  const json authorization = parse(answer.body);
  if (text_in(authorization, "status") == "valid") return {};
  ECLUSE_ASSIGN(const json offered, challenge_in(authorization, type));
  ECLUSE_ASSIGN(const std::string thumbprint, thumbprint_of(wire_->key()));
  const std::string token = text_in(offered, "token");
  const json identifier = authorization.value("identifier", json::object());
  const AcmeChallenge challenge{text_in(identifier, "value"), type, token,
                                token + "." + thumbprint};
  ECLUSE_TRY(responder.present(challenge));
  const auto asked = wire_->post(text_in(offered, "url"), "{}");
  const auto verdict = asked ? await_authorization(url) : Result<void>(fail(asked.error()));
  responder.withdraw(challenge);
  return verdict;
}

Result<void> AcmeClient::await_authorization(const std::string& url) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  for (int tries = 0; std::chrono::steady_clock::now() < deadline; ++tries) {
    ECLUSE_ASSIGN(const Answer answer, wire_->post(url, ""));
    const json authorization = parse(answer.body);
    const std::string status = text_in(authorization, "status");
    if (status == "valid") return {};
    if (status != "pending") {
      return fail(ErrorKind::kRefused, fmt::format("the validation is {}: {}", status,
                                                   printable(reason_in(authorization), 500)));
    }
    wait_before_poll(answer, tries);
  }
  return fail(ErrorKind::kTimeout, "the ACME server did not finish the validation in time");
}

/// Returns the address of the certificate.
Result<std::string> AcmeClient::await_order(const std::string& url) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  for (int tries = 0; std::chrono::steady_clock::now() < deadline; ++tries) {
    ECLUSE_ASSIGN(const Answer answer, wire_->post(url, ""));
    const json order = parse(answer.body);
    const std::string status = text_in(order, "status");
    if (status == "valid") return text_in(order, "certificate");
    if (status == "invalid") {
      const json error = order.value("error", json::object());
      return fail(ErrorKind::kRefused, fmt::format("the order is invalid: {}",
                                                   printable(text_in(error, "detail"), 500)));
    }
    wait_before_poll(answer, tries);
  }
  return fail(ErrorKind::kTimeout, "the ACME server did not finish the order in time");
}

Result<std::string> AcmeClient::issue(const std::string& host, const KeyHandle& key,
                                      const std::string& type, AcmeResponder& responder) {
  const json wanted{{"identifiers", json::array({{{"type", "dns"}, {"value", host}}})}};
  ECLUSE_ASSIGN(const Answer made, wire_->post(wire_->url_of("newOrder"), wanted.dump()));
  const json order = parse(made.body);
  for (const json& each : order.value("authorizations", json::array())) {
    ECLUSE_TRY(authorize(each.is_string() ? each.get<std::string>() : "", type, responder));
  }
  ECLUSE_ASSIGN(const auto request, make_request(key, host));
  const json csr{{"csr", base64url(request)}};
  ECLUSE_TRY(wire_->post(text_in(order, "finalize"), csr.dump()));
  ECLUSE_ASSIGN(const std::string url, await_order(made.location));
  ECLUSE_ASSIGN(const Answer certificate, wire_->post(url, ""));
  ECLUSE_TRY(read_certificate(certificate.body));  // what is no certificate is not kept
  return certificate.body;
}

}  // namespace ecluse::gateway
