#include "gateway/http1_head.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>

#include "gateway/http1_chars.h"

namespace ecluse::gateway::http1 {

namespace {
struct Verdict {
  HeadScanner::State state = HeadScanner::State::kMore;
  Fault fault = Fault::kNone;
  std::size_t end = 0;
  bool operator==(const Verdict&) const = default;
};
void showValue(const Verdict& v, std::ostream& out) {
  out << static_cast<int>(v.state) << " " << static_cast<int>(v.fault) << " " << v.end;
}

/// Scans and parses what arrives in slices that end at `cuts`.
Verdict read_in_slices(std::string_view bytes, std::vector<std::size_t> cuts,
                       const HeadBounds& bounds, HeadKind kind = HeadKind::kRequest) {
  HeadScanner scanner(kind);
  std::ranges::sort(cuts);
  cuts.push_back(bytes.size());
  for (const std::size_t cut : cuts) {
    const auto state = scanner.scan(bytes.substr(0, cut), bounds);
    if (state == HeadScanner::State::kFault) return {state, scanner.fault(), 0};
    if (state != HeadScanner::State::kComplete) continue;
    const auto head = bytes.substr(scanner.head_begin(), scanner.head_end() - scanner.head_begin());
    Request request;
    Response response;
    const Fault fault = kind == HeadKind::kRequest ? parse_request(head, request)
                                                   : parse_response(head, false, response);
    return {state, fault, scanner.head_end()};
  }
  return {};
}

Fault fault_of(std::string_view head) {
  const Verdict verdict = read_in_slices(head, {}, {});
  if (verdict.state == HeadScanner::State::kMore) return Fault::kHeadTooLarge;
  return verdict.fault;
}

rc::Gen<std::string> heads() {
  const auto piece = rc::gen::elementOf(std::vector<std::string>{
      "GET / HTTP/1.1\r\n", "POST /a?b HTTP/1.0\r\n", "Host: a\r\n", "\r\n", "\n", "\r", " ",
      "Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n", "X: y\r\n", ":", "x", "\t",
      std::string("\0", 1), "Connection: close\r\n", "Host: b", "HTTP/1.1 200 OK\r\n", "\xff"});
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(piece),
                      [](const std::vector<std::string>& pieces) {
                        std::string all;
                        for (const auto& p : pieces) all += p;
                        return all;
                      });
}
}  // namespace

RC_GTEST_PROP(HeadScanner, GivesTheSameVerdictHoweverTheBytesAreSliced, ()) {
  const std::string bytes = *heads();
  const auto cuts = *rc::gen::container<std::vector<std::size_t>>(
      rc::gen::inRange<std::size_t>(0, bytes.size() + 1));
  const HeadBounds bounds{.start_line_bytes_max = 24, .head_bytes_max = 48, .fields_max = 3};
  for (const HeadKind kind : {HeadKind::kRequest, HeadKind::kResponse}) {
    RC_ASSERT(read_in_slices(bytes, cuts, bounds, kind) == read_in_slices(bytes, {}, bounds, kind));
  }
}

RC_GTEST_PROP(HeadScanner, NeverAcceptsAHeadWithABareLineEnd, ()) {
  const std::string bytes = *heads();
  HeadScanner scanner;
  if (scanner.scan(bytes, {}) != HeadScanner::State::kComplete) return;
  const std::string head =
      bytes.substr(scanner.head_begin(), scanner.head_end() - scanner.head_begin());
  for (std::size_t i = 0; i < head.size(); ++i) {
    if (head[i] == '\n') RC_ASSERT(i > 0 && head[i - 1] == '\r');
    if (head[i] == '\r') RC_ASSERT(i + 1 < head.size() && head[i + 1] == '\n');
  }
}

TEST(ParseRequest, ReadsWhatTheGatewayActsOn) {
  Request request;
  const Fault fault = parse_request(
      "POST /a/b?c=d HTTP/1.1\r\nHost: Example.org:8080\r\nContent-Length: 12\r\n"
      "Connection: close, X-Hop\r\nX-Hop: 1\r\nX_Under: 2\r\nCookie: a=b\r\n\r\n",
      request);
  ASSERT_EQ(fault, Fault::kNone);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/a/b?c=d");
  EXPECT_EQ(request.authority, "Example.org:8080");
  EXPECT_EQ(request.host, "Example.org");
  EXPECT_EQ(request.framing.kind, BodyKind::kLength);
  EXPECT_EQ(request.framing.length, 12U);
  EXPECT_FALSE(request.keep_alive);
  EXPECT_FALSE(request.is_idempotent());
  const auto reaches_app = [&](std::string_view name) {
    const auto found = std::ranges::find_if(
        request.fields.begin(), request.fields.end(),
        [&](const Field& field) { return equal_ignoring_case(field.name, name); });
    return found != request.fields.end() && may_reach_app(*found, request.connection);
  };
  EXPECT_TRUE(reaches_app("Cookie"));
  EXPECT_FALSE(reaches_app("X-Hop"));
  EXPECT_FALSE(reaches_app("X_Under"));
  EXPECT_FALSE(reaches_app("Content-Length"));
}

TEST(ParseRequest, TakesTheAuthorityOfTheAbsoluteForm) {
  Request request;
  ASSERT_EQ(parse_request("GET HTTP://a.example?q HTTP/1.1\r\nHost: b\r\n\r\n", request),
            Fault::kNone);
  EXPECT_EQ(request.authority, "a.example");
  EXPECT_EQ(request.target, "?q");
  EXPECT_TRUE(request.needs_slash);
}

TEST(ParseRequest, SaysWhetherTheAbsoluteFormNamesHttps) {
  Request request;
  ASSERT_EQ(parse_request("GET HTTPS://a.example/x HTTP/1.1\r\nHost: b\r\n\r\n", request),
            Fault::kNone);
  EXPECT_TRUE(request.names_https);
  EXPECT_EQ(request.authority, "a.example");
  EXPECT_EQ(request.target, "/x");
  ASSERT_EQ(parse_request("GET /https://a/ HTTP/1.1\r\nHost: b\r\n\r\n", request), Fault::kNone);
  EXPECT_FALSE(request.names_https);
}

TEST(ParseRequest, AnEmptyPortIsTheDefaultOneAndGoesNoFurther) {
  Request request;
  for (const auto& [host, plain] : std::vector<std::pair<std::string, std::string>>{
           {"a.example:", "a.example"}, {"[::1]:", "[::1]"}, {"a.example:80", "a.example:80"}}) {
    const std::string line = "GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
    ASSERT_EQ(parse_request(line, request), Fault::kNone) << host;
    EXPECT_EQ(request.authority, plain);
    const std::string absolute = "GET http://" + host + "/ HTTP/1.1\r\nHost: b\r\n\r\n";
    ASSERT_EQ(parse_request(absolute, request), Fault::kNone) << host;
    EXPECT_EQ(request.authority, plain);
  }
  for (const std::string host : {":", "a::", "a:80:", "a: :", "[::1]::", "a:0", "u@a:"}) {
    EXPECT_EQ(fault_of("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n"), Fault::kMalformed) << host;
  }
}

TEST(ParseRequest, AnExpectationIsAListOfOneWord) {
  const auto read = [](const std::string& fields, bool& expects) {
    Request request;
    const Fault fault = parse_request(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n" + fields + "\r\n", request);
    expects = request.expects_continue;
    return fault;
  };
  bool expects = false;
  for (const std::string fields :
       {"Expect: 100-continue, 100-Continue\r\n", "Expect: , 100-continue ,\r\n",
        "Expect: 100-continue\r\nExpect:\r\n"}) {
    EXPECT_EQ(read(fields, expects), Fault::kNone) << fields;
    EXPECT_TRUE(expects) << fields;
  }
  EXPECT_EQ(read("Expect:\r\n", expects), Fault::kNone);
  EXPECT_FALSE(expects);
  for (const std::string fields : {"Expect: 100-continue, x\r\n", "Expect: x, 100-continue\r\n",
                                   "Expect: 100-continue 100-continue\r\n"}) {
    EXPECT_EQ(read(fields, expects), Fault::kExpectation) << fields;
  }
}

TEST(HeadScanner, PassesOverAsManyEmptyLinesAsItsBoundSaysAndNoMore) {
  const std::string head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  std::string bytes = head;
  for (std::size_t lines = 0; lines <= kEmptyLinesMax; ++lines, bytes.insert(0, "\r\n")) {
    HeadScanner scanner;
    ASSERT_EQ(scanner.scan(bytes, {}), HeadScanner::State::kComplete) << lines;
    EXPECT_EQ(scanner.head_begin(), 2 * lines);
    EXPECT_EQ(scanner.head_end(), bytes.size());
  }
  EXPECT_EQ(fault_of(bytes), Fault::kMalformed);
  EXPECT_EQ(fault_of("\r\n\n" + head), Fault::kMalformed);
  EXPECT_EQ(fault_of("\r\n\r" + head), Fault::kMalformed);
  HeadScanner answer(HeadKind::kResponse);
  EXPECT_EQ(answer.scan("\r\nHTTP/1.1 200 OK\r\n\r\n", {}), HeadScanner::State::kFault);
}

TEST(ParseRequest, TellsTheStatusThatFits) {
  EXPECT_EQ(fault_of("GET / HTTP/2.0\r\nHost: a\r\n\r\n"), Fault::kVersion);
  EXPECT_EQ(fault_of("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"), Fault::kNotImplemented);
  EXPECT_EQ(fault_of("GET /" + std::string(9000, 'a') + " HTTP/1.1\r\n"), Fault::kTargetTooLong);
  EXPECT_EQ(fault_of("GET / HTTP/1.1\r\nA: " + std::string(17000, 'a')), Fault::kHeadTooLarge);
  EXPECT_EQ(fault_of("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"),
            Fault::kNotImplemented);
}

TEST(ParseResponse, FramesTheBodyByRequestAndStatus) {
  const auto kind_of = [](std::string_view head, bool to_head) {
    Response response;
    EXPECT_EQ(parse_response(head, to_head, response), Fault::kNone) << head;
    return response.framing.kind;
  };
  EXPECT_EQ(kind_of("HTTP/1.1 200 OK\r\n\r\n", false), BodyKind::kUntilClose);
  EXPECT_EQ(kind_of("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n", false), BodyKind::kLength);
  EXPECT_EQ(kind_of("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n", true), BodyKind::kNone);
  EXPECT_EQ(kind_of("HTTP/1.1 304 X\r\nContent-Length: 1\r\n\r\n", false), BodyKind::kNone);
  EXPECT_EQ(kind_of("HTTP/1.1 204\r\n\r\n", false), BodyKind::kNone);
  EXPECT_EQ(kind_of("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", false), BodyKind::kNone);
}

TEST(ParseResponse, RefusesFaultyFraming) {
  for (const std::string_view fields :
       {"Content-Length: 1\r\nContent-Length: 2\r\n", "Content-Length: -1\r\n",
        "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: gzip\r\n",
        "A b: c\r\n", "A : c\r\n", " A: c\r\n"}) {
    Response response;
    const std::string head = "HTTP/1.1 200 OK\r\n" + std::string(fields) + "\r\n";
    EXPECT_NE(parse_response(head, false, response), Fault::kNone) << head;
  }
}

RC_GTEST_PROP(ParseRequest, NeverLetsAControlCharacterThroughInAFieldValue, (std::string value)) {
  Request request;
  const std::string head = "GET / HTTP/1.1\r\nHost: a\r\nX: " + value + "\r\n\r\n";
  HeadScanner scanner;
  if (scanner.scan(head, {}) != HeadScanner::State::kComplete) return;
  if (parse_request(std::string_view(head).substr(0, scanner.head_end()), request) != Fault::kNone)
    return;
  for (const Field& field : request.fields) RC_ASSERT(all_in(kValueChars, field.value));
}

}  // namespace ecluse::gateway::http1
