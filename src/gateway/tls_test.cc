// TLS as clients see it, against the running gateway.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <string>

#include "gateway/bounds.h"
#include "gateway/certificate_maker.h"
#include "gateway/local_authority.h"
#include "gateway/testing.h"
#include "gateway/ticket_keys.h"
#include "gateway/tls_testing.h"
#include "gateway/traffic_client.h"
#include "os/file.h"

namespace ecluse::gateway::testing {

namespace {
const std::string kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// One app behind the stand-alone gateway with the certificate of "a".
struct TlsProxy {
  explicit TlsProxy(std::vector<std::string> more = {}) {
    write_certificate(folder.path(), "site", "a");
    std::vector<std::string> arguments{"--listen",    "127.0.0.1:0",    "--tls-listen",
                                       "127.0.0.1:0", "--tls-cert",     path("site.pem"),
                                       "--tls-key",   path("site.key"), "--to",
                                       app.address(), "--workers",      "2"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    gateway = std::make_unique<GatewayProcess>(std::move(arguments));
  }
  std::string path(const std::string& name) const { return (folder.path() / name).string(); }
  std::uint16_t port() const { return gateway->tls_port(); }

  TemporaryFolder folder;
  RecordingApp app;
  std::unique_ptr<GatewayProcess> gateway;
};

/// A gateway with a control plane's client, one app behind it, and sites that want TLS.
struct TlsSites {
  explicit TlsSites(const std::string& bound = "fields_max=100")
      : gateway({"--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0", "--workers", "2",
                 "--folder", (folder.path() / "gateway").string(), "--control",
                 (folder.path() / "gateway.sock").string(), "--bounds", bound}) {}
  Result<void> serve(const std::string& host, ports::SiteTls tls) {
    ports::Site site{.key = {host, "prod"}, .hosts = {host}, .tls = std::move(tls)};
    site.arms = {
        {.release = 1,
         .weight_ppm = 1'000'000,
         .backends = {
             {.process = "web",
              .prefixes = {"/"},
              .targets = {{.instance = "i", .address = "127.0.0.1", .port = app.port()}}}}}};
    return traffic.apply(site, {.term = 1, .rollout = "", .sequence = ++sequence});
  }
  ports::SiteTls files(const std::string& name) const {
    return {.source = ports::SiteTls::Source::kFiles,
            .certificate = (folder.path() / (name + ".pem")).string(),
            .key = (folder.path() / (name + ".key")).string()};
  }

  TemporaryFolder folder;
  RecordingApp app;
  GatewayProcess gateway;
  TrafficClient traffic{folder.path() / "gateway.sock", Duration(15'000)};
  std::uint64_t sequence = 0;
};

std::string field(const std::string& answer, const std::string& name) {
  const std::size_t at = answer.find("\r\n" + name + ": ");
  if (at == std::string::npos) return "";
  const std::size_t begin = at + name.size() + 4;
  return answer.substr(begin, answer.find("\r\n", begin) - begin);
}
}  // namespace

TEST(Tls, ServesTwelveAndThirteenAndNothingOlder) {
  const TlsProxy proxy;
  for (const auto& [version, name] :
       {std::pair(TlsVersion::k12, "TLSv1.2"), std::pair(TlsVersion::k13, "TLSv1.3")}) {
    TlsClient client(proxy.port(), {.version = version, .trusted = proxy.path("site.pem")});
    ASSERT_TRUE(client.is_connected()) << client.failure();
    EXPECT_EQ(client.version(), name);
    EXPECT_EQ(client.protocol(), "http/1.1");
    for (int i = 0; i < 3; ++i) {
      client.send(kGet);
      EXPECT_EQ(body_of(client.read_answer()), "ok");
    }
  }
  EXPECT_FALSE(TlsClient(proxy.port(), {.version = TlsVersion::k11}).is_connected());
}

TEST(Tls, TellsTheAppThatTheClientCameBySecureMeans) {
  TlsProxy proxy;
  TlsClient client(proxy.port());
  client.send(kGet);
  ASSERT_EQ(body_of(client.read_answer()), "ok");
  EXPECT_NE(proxy.app.received().find("\r\nX-Forwarded-Proto: https\r\n"), std::string::npos);
  proxy.app.forget();
  ASSERT_EQ(status_of(answer_to(proxy.gateway->port(),
                                "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")),
            200);
  EXPECT_NE(proxy.app.received().find("\r\nX-Forwarded-Proto: http\r\n"), std::string::npos);
}

TEST(Tls, CarriesLargeBodiesBothWaysAndEndsThemCleanly) {
  TlsProxy proxy;
  const std::string body(3'000'000, 'x');
  RecordingApp echo([](RecordingApp::Peer& peer) {
    const std::string sent = body_of(peer.read_request());
    peer.send("HTTP/1.0 200 OK\r\n\r\n");  // its length is not said: chunks towards the client
    peer.send(sent);
  });
  const GatewayProcess gateway({"--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0",
                                "--tls-cert", proxy.path("site.pem"), "--tls-key",
                                proxy.path("site.key"), "--to", echo.address()});
  TlsClient client(gateway.tls_port());
  client.send(fmt::format("POST / HTTP/1.0\r\nHost: a\r\nContent-Length: {}\r\n\r\n", body.size()));
  client.send(body);
  EXPECT_EQ(body_of(client.read_to_end()).size(), body.size());
  EXPECT_TRUE(client.ended_cleanly());
}

TEST(Tls, ResumesOnAnyThreadAndAfterTheWorkerWasReplaced) {
  for (const TlsVersion version : {TlsVersion::k12, TlsVersion::k13}) {
    const TlsProxy proxy;
    std::shared_ptr<ssl_session_st> session;
    const auto visit = [&] {
      TlsClient client(proxy.port(), {.version = version, .session = session});
      client.send(kGet);
      EXPECT_EQ(body_of(client.read_answer()), "ok");
      if (client.session()) session = client.session();
      return client.was_resumed();
    };
    EXPECT_FALSE(visit());
    for (int i = 0; i < 8; ++i) EXPECT_TRUE(visit()) << i;  // over both threads' sockets
    proxy.gateway->kill_worker();
    EXPECT_TRUE(visit());
  }
}

/// OpenSSL tells a failed write to it as a clean end: a thread went round for ever.
TEST(Tls, AClientThatSaidItsEndAndIsGoneHoldsNobodyUp) {
  constexpr int kPieces = 2000;
  RecordingApp talker([](RecordingApp::Peer& peer) {
    if (peer.read_request().find("Upgrade: websocket") == std::string::npos) {
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
      return;
    }
    peer.send(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    (void)peer.read_some();  // until the client has said its end
    for (int i = 0; i < kPieces && peer.send("piece"); ++i) std::this_thread::yield();
  });
  const TlsProxy proxy;
  const GatewayProcess gateway({"--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0",
                                "--tls-cert", proxy.path("site.pem"), "--tls-key",
                                proxy.path("site.key"), "--to", talker.address(), "--workers",
                                "1"});
  TlsClient client(gateway.tls_port());
  ASSERT_TRUE(client.send(
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"));
  ASSERT_NE(client.read_some().find(" 101 "), std::string::npos);
  client.leave();
  TlsClient next(gateway.tls_port());
  ASSERT_TRUE(next.send(kGet));
  EXPECT_EQ(status_of(next.read_answer()), 200);
}

TEST(Tls, RefusesRenegotiation) {
  const TlsProxy proxy;
  TlsClient client(proxy.port(), {.version = TlsVersion::k12});
  ASSERT_TRUE(client.is_connected());
  EXPECT_FALSE(client.renegotiates());
}

TEST(Tls, RefusesAProtocolItDoesNotSpeak) {
  const TlsProxy proxy;
  const TlsClient client(proxy.port(), {.protocols = {"spdy/3"}});
  EXPECT_FALSE(client.is_connected());
  EXPECT_NE(client.failure().find("no application protocol"), std::string::npos);
  EXPECT_TRUE(TlsClient(proxy.port(), {.protocols = {}}).is_connected());
}

TEST(Tls, ClosesAClientThatDoesNotFinishItsHandshake) {
  const TlsProxy proxy({"--bounds", "handshake_ms_max=100"});
  RawClient silent(proxy.port());
  EXPECT_EQ(silent.read_to_end(), "");
  RawClient plain(proxy.port());
  plain.send(kGet);
  EXPECT_EQ(status_of(plain.read_to_end()), 0);  // an alert, never an answer
  EXPECT_FALSE(plain.timed_out());
}

TEST(Tls, ServesANewCertificateWithoutLosingAConnection) {
  const TlsProxy proxy;
  TlsClient old(proxy.port());
  old.send(kGet);
  ASSERT_EQ(body_of(old.read_answer()), "ok");
  const std::string before = old.certificate();
  write_certificate(proxy.folder.path(), "site", "a");
  EXPECT_TRUE(eventually([&] { return TlsClient(proxy.port()).certificate() != before; }));
  old.send(kGet);
  EXPECT_EQ(body_of(old.read_answer()), "ok");
}

TEST(Tls, KeepsTheLastGoodCertificateWhenTheNewOneIsUnusable) {
  const TlsProxy proxy;
  const std::string before = TlsClient(proxy.port()).certificate();
  ASSERT_TRUE(os::replace_file(proxy.path("site.pem"), "not a certificate"));
  write_certificate(proxy.folder.path(), "other", "a");
  ASSERT_TRUE(os::replace_file(proxy.path("site.key"), "neither a key"));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(TlsClient(proxy.port()).certificate(), before);
}

TEST(TlsSites, ChoosesTheCertificateByName) {
  TlsSites sites;
  write_certificate(sites.folder.path(), "one", "one.example");
  write_certificate(sites.folder.path(), "two", "two.example");
  ASSERT_TRUE(sites.serve("one.example", sites.files("one")));
  ASSERT_TRUE(sites.serve("two.example", sites.files("two")));
  for (const std::string host : {"one.example", "two.example", "TWO.EXAMPLE"}) {
    const TlsClient client(sites.gateway.tls_port(), {.server_name = host});
    ASSERT_TRUE(client.is_connected()) << client.failure();
    EXPECT_EQ(client.names().at(0).substr(1), (host[0] == 'T' ? "two.example" : host).substr(1));
  }
  const TlsClient unknown(sites.gateway.tls_port(), {.server_name = "three.example"});
  EXPECT_FALSE(unknown.is_connected());
  EXPECT_NE(unknown.failure().find("unrecognized name"), std::string::npos);
}

/// RFC 9112 section 3.2.2; without TLS it would be a promise that nobody kept (RFC 9110
/// section 7.4).
TEST(Tls, TakesTheAbsoluteFormOfHttps) {
  TlsProxy proxy;
  TlsClient client(proxy.port());
  client.send("GET https://b.example/x HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_EQ(status_of(client.read_answer()), 200);
  EXPECT_TRUE(proxy.app.received().starts_with("GET /x HTTP/1.1\r\nHost: b.example\r\n"));
  EXPECT_EQ(status_of(answer_to(proxy.gateway->port(),
                                "GET https://b.example/x HTTP/1.1\r\nHost: a\r\n\r\n")),
            400);
}

TEST(TlsSites, AnswersOnAConnectionOnlyForNamesThatItsCertificateCovers) {
  TlsSites sites;
  write_certificate(sites.folder.path(), "one", "one.example");
  write_certificate(sites.folder.path(), "two", "two.example");
  ASSERT_TRUE(sites.serve("one.example", sites.files("one")));
  ASSERT_TRUE(sites.serve("two.example", sites.files("two")));
  const auto status_for = [&](const std::string& server_name, const std::string& host) {
    TlsClient client(sites.gateway.tls_port(), {.server_name = server_name});
    EXPECT_TRUE(client.send("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n"));
    return status_of(client.read_answer());
  };
  EXPECT_EQ(status_for("one.example", "ONE.example:443"), 200);
  EXPECT_EQ(status_for("one.example", "one.example."), 200);  // the same name: RFC 1034
  EXPECT_EQ(status_for("one.example", "two.example"), 421);
  EXPECT_EQ(status_for("two.example", "nobody.example"), 421);
  EXPECT_EQ(status_for("", "two.example"), 200);  // who names no server cannot tell
}

TEST(TlsSites, OneUnreadableCertificateDisablesOneHost) {
  TlsSites sites;
  write_certificate(sites.folder.path(), "good", "good.example");
  std::ofstream(sites.folder.path() / "bad.pem") << "not a certificate";
  ASSERT_TRUE(sites.serve("good.example", sites.files("good")));
  ASSERT_TRUE(sites.serve("bad.example", sites.files("bad")));
  EXPECT_TRUE(TlsClient(sites.gateway.tls_port(), {.server_name = "good.example"}).is_connected());
  EXPECT_FALSE(TlsClient(sites.gateway.tls_port(), {.server_name = "bad.example"}).is_connected());
  sites.gateway.kill_worker();
  EXPECT_TRUE(TlsClient(sites.gateway.tls_port(), {.server_name = "good.example"}).is_connected());
}

TEST(TlsSites, SendsPlainHttpToHttpsAndSaysForHowLong) {
  TlsSites sites;
  ports::SiteTls tls{.source = ports::SiteTls::Source::kLocal, .hsts_s = 31'536'000};
  ASSERT_TRUE(sites.serve("a.example", tls));
  const std::string moved =
      answer_to(sites.gateway.port(),
                "GET /x?y=1 HTTP/1.1\r\nHost: a.example:80\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(status_of(moved), 308);
  EXPECT_EQ(field(moved, "Location"),
            fmt::format("https://a.example:{}/x?y=1", sites.gateway.tls_port()));
  EXPECT_EQ(field(moved, "Strict-Transport-Security"), "");  // RFC 6797 section 7.2
  TlsClient client(sites.gateway.tls_port(), {.server_name = "a.example"});
  client.send("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
  EXPECT_EQ(field(client.read_answer(), "Strict-Transport-Security"), "max-age=31536000");
}

/// Also of a connection that was made before another process took over.
TEST(TlsSites, SendsPlainHttpToHttpsToItsLastRequest) {
  TlsSites sites;
  ASSERT_TRUE(sites.serve("a", {.source = ports::SiteTls::Source::kLocal}));
  RawClient kept(sites.gateway.port());
  ASSERT_TRUE(kept.send(kGet));
  ASSERT_EQ(status_of(kept.read_answer()), 308);
  ASSERT_EQ(::kill(sites.gateway.pid(), SIGUSR2), 0);
  std::string last;
  ASSERT_TRUE(eventually([&] {
    last = kept.send(kGet) ? kept.read_answer() : "lost";
    return status_of(last) != 308 || field(last, "Connection") == "close";
  }));
  EXPECT_EQ(status_of(last), 308);
  EXPECT_EQ(sites.app.received(), "");
}

/// A connection that cannot be served has no place among those of its address.
TEST(TlsSites, ConnectionsBeforeTheFirstCertificateAreNotCounted) {
  TlsSites sites("address_connections_max=1");
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(TlsClient(sites.gateway.tls_port()).is_connected());
  }
  ASSERT_TRUE(sites.serve("a", {.source = ports::SiteTls::Source::kLocal}));
  TlsClient client(sites.gateway.tls_port());
  ASSERT_TRUE(client.send(kGet));
  EXPECT_EQ(status_of(client.read_answer()), 200);
}

TEST(TlsSites, SignsWithAnAuthorityThatIsKeptAndCanBeTrusted) {
  TlsSites sites;
  ASSERT_TRUE(sites.serve("a.example", {.source = ports::SiteTls::Source::kLocal}));
  const auto folder = sites.folder.path() / "gateway" / "tls";
  const TlsClient trusting(sites.gateway.tls_port(),
                           {.server_name = "a.example", .trusted = folder / "authority.pem"});
  EXPECT_TRUE(trusting.is_connected()) << trusting.failure();
  const auto mode = std::filesystem::status(folder / "authority.key").permissions();
  EXPECT_EQ(mode, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  const auto authority = os::read_file(folder / "authority.pem", 65'536);
  sites.gateway.kill_worker();
  const TlsClient again(sites.gateway.tls_port(),
                        {.server_name = "a.example", .trusted = folder / "authority.pem"});
  EXPECT_TRUE(again.is_connected()) << again.failure();
  EXPECT_EQ(os::read_file(folder / "authority.pem", 65'536).value(), authority.value());
}

TEST(TlsSites, NamesNoPrivateKeyInWhatItAnswersOrKeeps) {
  TlsSites sites;
  write_certificate(sites.folder.path(), "one", "one.example");
  ASSERT_TRUE(sites.serve("one.example", sites.files("one")));
  const auto state = os::read_file(sites.folder.path() / "gateway" / "state", 1 << 20);
  ASSERT_TRUE(state);
  EXPECT_EQ(state->find("PRIVATE KEY"), std::string::npos);
  EXPECT_EQ(sites.traffic.sites()->at(0).tls, sites.files("one"));
}

TEST(LocalAuthority, IsMadeOnceAndAnewWhenItsTimeIsOver) {
  const TemporaryFolder folder;
  const std::int64_t now_s = 1'800'000'000;
  EXPECT_TRUE(LocalAuthority::open(folder.path(), now_s)->is_new());
  EXPECT_FALSE(LocalAuthority::open(folder.path(), now_s + 86'400)->is_new());
  EXPECT_TRUE(LocalAuthority::open(folder.path(), now_s + 11LL * 365 * 86'400)->is_new());
}

TEST(TicketKeys, RotateByAgeAndKeepTheFormerOnes) {
  TicketKeys keys;
  EXPECT_TRUE(rotate(keys, 1000));
  const TicketKey first = keys.newest();
  EXPECT_FALSE(rotate(keys, 1000 + TicketKeys::kRotateEveryS - 1));
  EXPECT_TRUE(rotate(keys, 1000 + TicketKeys::kRotateEveryS));
  EXPECT_NE(keys.newest().cipher, first.cipher);
  ASSERT_NE(keys.find(first.name.data()), nullptr);
  EXPECT_EQ(keys.find(first.name.data())->cipher, first.cipher);
  for (int i = 2; i < 4; ++i) EXPECT_TRUE(rotate(keys, 1000 + i * TicketKeys::kRotateEveryS));
  EXPECT_EQ(keys.find(first.name.data()), nullptr);
}

}  // namespace ecluse::gateway::testing
