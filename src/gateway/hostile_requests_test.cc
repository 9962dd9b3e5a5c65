// Hostile and merely odd requests against the running gateway. The app records the exact bytes it
// receives: what is refused must not reach it at all, and what passes must arrive as written here.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <regex>
#include <string>
#include <vector>

#include "gateway/testing.h"

namespace ecluse::gateway::testing {

namespace {
struct Refused {
  std::string name;
  std::string source;  ///< the clause or the incident it comes from
  std::string bytes;
  int status;
};

std::string get(const std::string& fields, const std::string& target = "/") {
  return fmt::format("GET {} HTTP/1.1\r\nHost: a\r\n{}\r\n", target, fields);
}
std::string post(const std::string& fields, const std::string& body = "") {
  return fmt::format("POST / HTTP/1.1\r\nHost: a\r\n{}\r\n{}", fields, body);
}
std::string chunked(const std::string& body) {
  return post("Transfer-Encoding: chunked\r\n", body);
}
const std::string kNul(1, '\0');

const std::vector<Refused>& refused() {
  static const std::vector<Refused> cases{
      // Framing of the body: everything two parsers could read in two ways.
      {"length and coding", "RFC 9112 6.1",
       post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
      {"coding and length", "RFC 9112 6.1",
       post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"), 400},
      {"differing lengths", "RFC 9112 6.3",
       post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello"), 400},
      {"list of lengths", "RFC 9110 8.6", post("Content-Length: 5, 6\r\n", "hello"), 400},
      {"list of equal lengths", "RFC 9110 8.6", post("Content-Length: 5, 5\r\n", "hello"), 400},
      {"negative length", "RFC 9110 8.6", post("Content-Length: -5\r\n", "hello"), 400},
      {"plus length", "RFC 9110 8.6", post("Content-Length: +5\r\n", "hello"), 400},
      {"hexadecimal length", "RFC 9110 8.6", post("Content-Length: 0x5\r\n", "hello"), 400},
      {"empty length", "RFC 9110 8.6", post("Content-Length: \r\n", "hello"), 400},
      {"length with a space inside", "RFC 9110 8.6", post("Content-Length: 1 0\r\n", "hello"), 400},
      {"length with a comma", "RFC 9110 8.6", post("Content-Length: 5,\r\n", "hello"), 400},
      {"length beyond 64 bits", "RFC 9110 8.6",
       post("Content-Length: 18446744073709551621\r\n", "hello"), 400},
      {"length with a point", "RFC 9110 8.6", post("Content-Length: 5.0\r\n", "hello"), 400},
      {"unknown coding", "RFC 9112 6.3", post("Transfer-Encoding: gzip\r\n", "hello"), 400},
      {"identity coding", "RFC 9112 6.1", post("Transfer-Encoding: identity\r\n", "hello"), 400},
      {"gzip then chunked", "RFC 9112 6.1",
       post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 501},
      {"chunked then gzip", "RFC 9112 6.3",
       post("Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n"), 400},
      {"chunked twice", "RFC 9112 6.1",
       post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"), 400},
      {"two coding fields", "CVE-2019-18277",
       post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n"), 400},
      {"coding with a vertical tab", "CVE-2019-18277",
       post("Transfer-Encoding: \vchunked\r\n", "0\r\n\r\n"), 400},
      {"xchunked", "request smuggling, Kettle 2019",
       post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), 400},
      {"chunked in quotes", "request smuggling, Kettle 2019",
       post("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n"), 400},
      {"chunked with a parameter", "RFC 9112 7",
       post("Transfer-Encoding: chunked;q=1\r\n", "0\r\n\r\n"), 400},
      {"empty coding", "RFC 9112 6.1", post("Transfer-Encoding:\r\n", "0\r\n\r\n"), 400},
      {"coding with a space before the colon", "request smuggling, Kettle 2019",
       post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"), 400},
      {"folded coding", "RFC 9112 5.2", post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"),
       400},
      {"coding in HTTP/1.0", "RFC 9112 6.1",
       "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      // Chunks. The head may be on its way to the app; the body must not be completed.
      // Field lines.
      {"space before the colon", "RFC 9112 5.1", get("A : b\r\n"), 400},
      {"tab before the colon", "RFC 9112 5.1", get("A\t: b\r\n"), 400},
      {"no colon", "RFC 9112 5", get("Ab\r\n"), 400},
      {"empty name", "RFC 9112 5", get(": b\r\n"), 400},
      {"space in a name", "RFC 9110 5.1", get("A b: c\r\n"), 400},
      {"folded field", "RFC 9112 5.2", get("A: b\r\n c\r\n"), 400},
      {"field folded by a tab", "RFC 9112 5.2", get("A: b\r\n\tc\r\n"), 400},
      {"first field folded", "RFC 9112 2.2", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
      {"NUL in a value", "RFC 9110 5.5", get("A: b" + kNul + "c\r\n"), 400},
      {"NUL in a name", "RFC 9110 5.1", get("A" + kNul + "b: c\r\n"), 400},
      {"DEL in a value", "RFC 9110 5.5", get("A: b\x7f\r\n"), 400},
      {"bell in a value", "RFC 9110 5.5", get("A: b\x07\r\n"), 400},
      {"escape in a value", "RFC 9110 5.5", get("A: \x1b[31m\r\n"), 400},
      {"bare CR in a value", "RFC 9112 2.2", get("A: b\rC: d\r\n"), 400},
      {"bare LF ends a field", "RFC 9112 2.2", "GET / HTTP/1.1\r\nHost: a\nB: c\r\n\r\n", 400},
      {"bare LF ends the request line", "RFC 9112 2.2", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400},
      {"bare LF everywhere", "RFC 9112 2.2", "GET / HTTP/1.1\nHost: a\n\n", 400},
      {"bare LF ends the head", "RFC 9112 2.2", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400},
      {"CR CR LF", "RFC 9112 2.2", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", 400},
      {"high byte in a name", "RFC 9110 5.1", get("\xc3\xa9: b\r\n"), 400},
      {"parenthesis in a name", "RFC 9110 5.1", get("A(b): c\r\n"), 400},
      // Host.
      {"no Host", "RFC 9112 3.2", "GET / HTTP/1.1\r\n\r\n", 400},
      {"no Host in HTTP/1.0", "gateway.md rule 1", "GET / HTTP/1.0\r\n\r\n", 400},
      {"two Hosts", "RFC 9112 3.2", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"the same Host twice", "RFC 9112 3.2", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
      {"empty Host", "RFC 9110 4.2.1", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
      {"Host with userinfo", "RFC 9110 4.2.4", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400},
      {"Host with a slash", "RFC 9110 7.2", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
      {"Host with a space", "RFC 9110 7.2", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
      {"Host with a bad port", "RFC 9110 7.2", "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", 400},
      {"Host with a port too large", "RFC 9110 7.2", "GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n",
       400},
      {"Host with two ports", "RFC 9110 7.2", "GET / HTTP/1.1\r\nHost: a:1:2\r\n\r\n", 400},
      {"Host list", "RFC 9110 7.2", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400},
      {"Host with a question mark", "RFC 9110 7.2", "GET / HTTP/1.1\r\nHost: a?b\r\n\r\n", 400},
      {"Host with a fragment", "RFC 9110 7.2", "GET / HTTP/1.1\r\nHost: a#b\r\n\r\n", 400},
      {"Host with a backslash", "RFC 9110 7.2", "GET / HTTP/1.1\r\nHost: a\\b\r\n\r\n", 400},
      {"Host with an open bracket", "RFC 3986 3.2.2", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400},
      {"Host with a space before the colon", "RFC 9112 5.1", "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
       400},
      // The request line.
      {"HTTP/0.9", "RFC 9112 2.3", "GET /\r\n\r\n", 400},
      {"two spaces", "RFC 9112 3", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"tab for a space", "RFC 9112 3", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"trailing space", "RFC 9112 3", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400},
      {"leading space", "RFC 9112 3", " GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"space in the target", "RFC 9112 3.2", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"empty target", "RFC 9112 3.2", "GET  HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"fragment in the target", "RFC 9112 3.2", get("", "/a#b"), 400},
      {"NUL in the target", "RFC 9112 3.2", get("", "/a" + kNul), 400},
      {"high byte in the target", "RFC 3986 2", get("", "/\xc3\xa9"), 400},
      {"DEL in the target", "RFC 3986 2", get("", "/\x7f"), 400},
      {"relative target", "RFC 9112 3.2", get("", "a/b"), 400},
      {"asterisk for GET", "RFC 9112 3.2.4", get("", "*"), 400},
      {"authority form for GET", "RFC 9112 3.2.3", get("", "a:80"), 400},
      {"absolute form with userinfo", "RFC 9110 4.2.4", get("", "http://u:p@b/"), 400},
      {"absolute form without a host", "RFC 9110 4.2.1", get("", "http:///x"), 400},
      {"absolute form of another scheme", "RFC 9110 7.4", get("", "ftp://a/"), 400},
      {"absolute form without Host", "RFC 9112 3.2", "GET http://a/ HTTP/1.1\r\n\r\n", 400},
      {"CONNECT", "RFC 9110 9.3.6", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 501},
      {"TRACE", "RFC 9110 9.3.8", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
      {"method that is no token", "RFC 9110 9.1", "GE(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"lower case protocol", "RFC 9112 2.3", "GET / http/1.1\r\nHost: a\r\n\r\n", 400},
      {"long version", "RFC 9112 2.3", "GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400},
      {"version without a minor", "RFC 9112 2.3", "GET / HTTP/1\r\nHost: a\r\n\r\n", 400},
      {"HTTP/2.0", "RFC 9110 15.6.6", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
      {"the preface of HTTP/2", "RFC 9113 3.4", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"HTTP/1.2", "RFC 9110 15.6.6", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505},
      {"a TLS hello", "gateway.md rule 1", "\x16\x03\x01\x02" + kNul, 400},
      {"two empty lines first", "RFC 9112 2.2", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      // Bounds.
      {"long target", "RFC 9110 15.5.15", get("", "/" + std::string(9000, 'a')), 414},
      {"long field", "RFC 6585 5", get("A: " + std::string(17000, 'b') + "\r\n"), 431},
      {"many fields", "RFC 6585 5",
       [] {
         std::string fields;
         for (int i = 0; i < 120; ++i) fields += fmt::format("A{}: b\r\n", i);
         return get(fields);
       }(),
       431},
      {"body beyond the bound", "RFC 9110 15.5.14", post("Content-Length: 2000000\r\n"), 413},
      {"half a head", "RFC 9110 15.5.9", "GET / HTTP/1.1\r\nHost: a\r\n", 408},
      // Expectations and upgrades.
      {"unknown expectation", "RFC 9110 10.1.1",
       post("Expect: 200-ok\r\nContent-Length: 1\r\n", "a"), 417},
      {"upgrade with a body", "gateway.md rule 4",
       post("Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\n", "hello"), 400},
      {"upgrade with chunks", "gateway.md rule 4",
       get("Connection: Upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n") +
           "0\r\n\r\n",
       400},
  };
  return cases;
}

class HostileRequests : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    app = new RecordingApp("ok");
    proxy = new Proxy(*app, {"--bound", "head_ms_max=400", "--bound", "body_bytes_max=1000000",
                             "--bound", "body_rate_window_ms=1000"});
  }
  static void TearDownTestSuite() {
    delete proxy;
    delete app;
  }
  static RecordingApp* app;
  static Proxy* proxy;
};
RecordingApp* HostileRequests::app = nullptr;
Proxy* HostileRequests::proxy = nullptr;
}  // namespace

TEST_F(HostileRequests, AreRefusedWithTheRightStatusAndNeverReachTheApp) {
  app->forget();
  for (const Refused& c : refused()) {
    SCOPED_TRACE(fmt::format("{} ({})", c.name, c.source));
    // A request hidden behind a refused one must not be answered either.
    RawClient client(proxy->port());
    const bool is_half = c.status == 408;
    client.send(is_half ? c.bytes : c.bytes + "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n");
    const std::string answer = client.read_to_end();
    EXPECT_FALSE(client.timed_out());
    EXPECT_EQ(status_of(answer), c.status);
    EXPECT_EQ(answer.find("HTTP/1.1", 8), std::string::npos) << "answered twice";
    EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos);
    EXPECT_NE(body_of(answer), "");
    EXPECT_EQ(app->received(), "");
    app->forget();
  }
}

TEST_F(HostileRequests, FaultyChunksNeverEndTheBodyForTheApp) {
  for (const std::string& body :
       {std::string("5\nhello\r\n0\r\n\r\n"), std::string("5\r\nhello0\r\n\r\n"),
        std::string("5\r\nhello\n0\r\n\r\n"), std::string("-5\r\nhello\r\n0\r\n\r\n"),
        std::string("0x5\r\nhello\r\n0\r\n\r\n"), std::string("5 \r\nhello\r\n0\r\n\r\n"),
        std::string("5;a\nhello\r\n0\r\n\r\n"),
        std::string("FFFFFFFFFFFFFFFF1\r\nhello\r\n0\r\n\r\n"),
        std::string("5\r\nhello\r\n0\r\nno colon\r\n\r\n"),
        std::string("5\r\nhello\r\n0\r\nA : b\r\n\r\n"),
        std::string("5\r\nhello\r\n0\r\nA: b\n\r\n"),
        std::string("5;" + std::string(400, 'x') + "\r\nhello\r\n0\r\n\r\n"),
        std::string("g\r\n\r\n0\r\n\r\n"), std::string("\r\n0\r\n\r\n")}) {
    SCOPED_TRACE(body.substr(0, 40));
    app->forget();
    const std::string answer = answer_to(proxy->port(), chunked(body));
    EXPECT_EQ(status_of(answer), 400);
    EXPECT_EQ(app->received().find("0\r\n\r\n"), std::string::npos);
  }
}

TEST_F(HostileRequests, ABodyThatEndsEarlyNeverEndsForTheApp) {
  for (const std::string& request :
       {post("Content-Length: 10\r\n", "hello"), chunked("5\r\nhello\r\n"), chunked("5\r\nhel")}) {
    app->forget();
    RawClient client(proxy->port());
    client.send(request);
    client.end_sending();
    EXPECT_EQ(status_of(client.read_to_end()), 400);
    EXPECT_EQ(app->received().find("0\r\n\r\n"), std::string::npos);
  }
}

TEST_F(HostileRequests, ABodyThatTricklesIsCutOff) {
  RawClient client(proxy->port());
  client.send(post("Content-Length: 100000\r\n", "a"));
  EXPECT_EQ(status_of(client.read_to_end()), 408);
}

namespace {
struct Passed {
  std::string name;
  std::string source;
  std::string bytes;
  std::string start;   ///< the request line the app sees
  std::string fields;  ///< what it sees between Host and ours
  std::string body;
  std::string host = "a";
  std::string via = "1.1";
};

const std::vector<Passed>& passed() {
  static const std::string kGet = "GET / HTTP/1.1";
  static const std::string kPost = "POST / HTTP/1.1";
  static const std::vector<Passed> cases{
      {"plain", "RFC 9112 3", get(""), kGet, "", ""},
      {"one empty line first", "RFC 9112 2.2", "\r\n" + get(""), kGet, "", ""},
      {"HTTP/1.0", "RFC 9112 2.3", "GET / HTTP/1.0\r\nHost: a\r\n\r\n", kGet, "", "", "a", "1.0"},
      {"unknown method", "RFC 9110 9.1", "PROPFIND /x HTTP/1.1\r\nHost: a\r\n\r\n",
       "PROPFIND /x HTTP/1.1", "", ""},
      {"asterisk", "RFC 9112 3.2.4", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS * HTTP/1.1",
       "", ""},
      {"absolute form", "RFC 9112 3.2.2", "GET http://b:81/x?y HTTP/1.1\r\nHost: a\r\n\r\n",
       "GET /x?y HTTP/1.1", "", "", "b:81"},
      {"absolute form without a path", "RFC 9112 3.2.2",
       "GET http://b?y HTTP/1.1\r\nHost: a\r\n\r\n", "GET /?y HTTP/1.1", "", "", "b"},
      {"IPv6 host", "RFC 3986 3.2.2", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", kGet, "", "",
       "[::1]:80"},
      {"white space around a value", "RFC 9112 5.1", get("A: \t b c \t\r\n"), kGet, "A: b c\r\n",
       ""},
      {"empty value", "RFC 9110 5.5", get("A:\r\n"), kGet, "A: \r\n", ""},
      {"high bytes in a value", "RFC 9110 5.5", get("A: \xc3\xa9\r\n"), kGet, "A: \xc3\xa9\r\n",
       ""},
      {"dots and percents stay", "RFC 3986 6", get("", "/a/../b%2e%00//c"),
       "GET /a/../b%2e%00//c HTTP/1.1", "", ""},
      {"listed fields go", "RFC 9110 7.6.1",
       get("Connection: X-Hop, close\r\nX-Hop: 1\r\nB: 2\r\n"), kGet, "B: 2\r\n", ""},
      {"Host cannot be listed away", "RFC 9110 7.6.1", get("Connection: Host, close\r\n"), kGet, "",
       ""},
      {"Content-Length cannot be listed away", "RFC 9110 7.6.1",
       post("Connection: Content-Length, close\r\nContent-Length: 2\r\n", "hi"), kPost,
       "Content-Length: 2\r\n", "hi"},
      {"Transfer-Encoding cannot be listed away", "RFC 9110 7.6.1",
       post("Connection: Transfer-Encoding, close\r\nTransfer-Encoding: chunked\r\n",
            "2\r\nhi\r\n0\r\n\r\n"),
       kPost, "Transfer-Encoding: chunked\r\n", "2\r\nhi\r\n0\r\n\r\n"},
      {"X-Forwarded-For cannot be listed away", "CVE-2022-31813",
       get("Connection: X-Forwarded-For, close\r\nX-Forwarded-For: 6.6.6.6\r\n"), kGet, "", ""},
      {"hop fields go", "RFC 9110 7.6.1",
       get("Keep-Alive: 5\r\nProxy-Connection: x\r\nTE: trailers\r\nTrailer: A\r\nUpgrade: "
           "foo\r\n"),
       kGet, "", ""},
      {"h2c is never offered", "gateway.md rule 3",
       get("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n"), kGet,
       "", ""},
      {"names with underscores go", "gateway.md rule 3",
       get("X_Forwarded_For: 1\r\nContent_Length: 5\r\nB: c\r\n"), kGet, "B: c\r\n", ""},
      {"forged forwarding goes", "RFC 7239 8",
       get("X-Forwarded-For: 1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\nForwarded: "
           "for=1\r\nX-Real-IP: 1\r\nX-Request-ID: 1\r\n"),
       kGet, "", ""},
      {"Proxy goes", "CVE-2016-5385", get("Proxy: evil\r\n"), kGet, "", ""},
      {"a forged override goes", "gateway.md Releases",
       get("X-Ecluse-Override: 1.2.3\r\nX-Ecluse-Release: 9\r\n"), kGet, "", ""},
      {"equal lengths become one", "RFC 9110 8.6",
       post("Content-Length: 2\r\nContent-Length: 2\r\n", "hi"), kPost, "Content-Length: 2\r\n",
       "hi"},
      {"length of zero", "RFC 9110 8.6", post("Content-Length: 0\r\n"), kPost,
       "Content-Length: 0\r\n", ""},
      {"leading zeros", "RFC 9110 8.6", post("Content-Length: 002\r\n", "hi"), kPost,
       "Content-Length: 2\r\n", "hi"},
      {"Chunked in any case", "RFC 9112 7",
       post("Transfer-Encoding: cHuNkEd\r\n", "2\r\nhi\r\n0\r\n\r\n"), kPost,
       "Transfer-Encoding: chunked\r\n", "2\r\nhi\r\n0\r\n\r\n"},
      {"extensions and trailers go", "RFC 9112 7.1",
       post("Transfer-Encoding: chunked\r\n", "2;a=b\r\nhi\r\n0;c\r\nX: y\r\n\r\n"), kPost,
       "Transfer-Encoding: chunked\r\n", "2\r\nhi\r\n0\r\n\r\n"},
      {"chunks are written anew", "gateway.md rule 2",
       post("Transfer-Encoding: chunked\r\n", "01\r\nh\r\n001\r\ni\r\n00\r\n\r\n"), kPost,
       "Transfer-Encoding: chunked\r\n", "2\r\nhi\r\n0\r\n\r\n"},
      {"expectation without a body goes", "RFC 9110 10.1.1", get("Expect: 100-continue\r\n"), kGet,
       "", ""},
      {"expectation of HTTP/1.0 goes", "RFC 9110 10.1.1",
       "POST / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi", kPost,
       "Content-Length: 2\r\n", "hi", "a", "1.0"},
      {"a GET with a body", "RFC 9110 9.3.1", get("Content-Length: 2\r\n") + "hi", kGet,
       "Content-Length: 2\r\n", "hi"},
  };
  return cases;
}

std::string without_request_id(const std::string& bytes) {
  return std::regex_replace(bytes, std::regex("X-Request-ID: [0-9a-f]{32}\r\n"),
                            "X-Request-ID: *\r\n");
}
}  // namespace

TEST_F(HostileRequests, OddButValidOnesArriveWrittenAnew) {
  for (const Passed& c : passed()) {
    SCOPED_TRACE(fmt::format("{} ({})", c.name, c.source));
    app->forget();
    RawClient client(proxy->port());
    client.send(c.bytes);
    client.end_sending();
    EXPECT_EQ(status_of(client.read_to_end()), 200);
    EXPECT_FALSE(client.timed_out());
    EXPECT_EQ(without_request_id(app->received()),
              fmt::format("{}\r\nHost: {}\r\n{}X-Forwarded-For: 127.0.0.1\r\n"
                          "X-Forwarded-Proto: http\r\nX-Forwarded-Host: {}\r\n"
                          "X-Request-ID: *\r\nVia: {} ecluse\r\n\r\n{}",
                          c.start, c.host, c.fields, c.host, c.via, c.body));
  }
}

TEST_F(HostileRequests, ArriveTheSameOneByteAtATime) {
  for (const Passed& c : passed()) {
    if (c.bytes.size() > 120) continue;
    SCOPED_TRACE(c.name);
    app->forget();
    RawClient client(proxy->port());
    for (const char byte : c.bytes) client.send({&byte, 1});
    client.end_sending();
    EXPECT_EQ(status_of(client.read_to_end()), 200);
    EXPECT_TRUE(app->received().starts_with(c.start + "\r\nHost: " + c.host + "\r\n"));
  }
}

}  // namespace ecluse::gateway::testing
