#include "gateway/channel.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

namespace ecluse::gateway {

namespace {
using nlohmann::json;

constexpr std::size_t kDescriptorsMax = 128;
constexpr std::size_t kTextBytesMax = 60'000;
struct Header {
  Message::Kind kind;
  bool is_tls;
  std::uint16_t port;
};
using ControlRoom = std::array<char, CMSG_SPACE(kDescriptorsMax * sizeof(int))>;

void attach(const std::vector<os::Fd>& descriptors, msghdr& packet, ControlRoom& room) {
  if (descriptors.empty()) return;
  const std::size_t bytes = descriptors.size() * sizeof(int);
  packet.msg_control = room.data();
  packet.msg_controllen = CMSG_SPACE(bytes);
  cmsghdr* const control = CMSG_FIRSTHDR(&packet);
  control->cmsg_level = SOL_SOCKET;
  control->cmsg_type = SCM_RIGHTS;
  control->cmsg_len = CMSG_LEN(bytes);
  auto* out = CMSG_DATA(control);
  for (const os::Fd& fd : descriptors) {
    const int raw = fd.get();
    std::memcpy(out, &raw, sizeof raw);
    out += sizeof raw;
  }
}

std::vector<os::Fd> detach(msghdr& packet) {
  std::vector<os::Fd> descriptors;
  for (cmsghdr* c = CMSG_FIRSTHDR(&packet); c != nullptr; c = CMSG_NXTHDR(&packet, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int raw = -1;
      std::memcpy(&raw, CMSG_DATA(c) + i * sizeof raw, sizeof raw);
      descriptors.emplace_back(raw);
    }
  }
  return descriptors;
}
}  // namespace

Result<void> send_message(int channel, const Message& message) {
  Header header{message.kind, message.is_tls, message.port};
  std::array<iovec, 2> pieces{iovec{&header, sizeof header},
                              iovec{const_cast<char*>(message.text.data()), message.text.size()}};
  msghdr packet{};
  packet.msg_iov = pieces.data();
  packet.msg_iovlen = pieces.size();
  ControlRoom room{};
  attach(message.descriptors, packet, room);
  ssize_t n = 0;
  do {
    n = ::sendmsg(channel, &packet, MSG_NOSIGNAL);
  } while (n < 0 && errno == EINTR);
  if (n < 0) return fail(from_errno(errno, "speak to the other process of the gateway"));
  return {};
}

Result<Message> receive_message(int channel) {
  Header header{};
  std::string text(kTextBytesMax, '\0');
  std::array<iovec, 2> pieces{iovec{&header, sizeof header}, iovec{text.data(), text.size()}};
  msghdr packet{};
  packet.msg_iov = pieces.data();
  packet.msg_iovlen = pieces.size();
  ControlRoom room{};
  packet.msg_control = room.data();
  packet.msg_controllen = room.size();
  ssize_t n = 0;
  do {
    n = ::recvmsg(channel, &packet, MSG_CMSG_CLOEXEC);
  } while (n < 0 && errno == EINTR);
  if (n < 0) return fail(from_errno(errno, "hear from the other process of the gateway"));
  if (static_cast<std::size_t>(n) < sizeof header) {
    return fail(ErrorKind::kUnavailable, "the other process of the gateway is gone");
  }
  text.resize(static_cast<std::size_t>(n) - sizeof header);
  return Message{header.kind, std::move(text), header.port, header.is_tls, detach(packet)};
}

std::string options_text(const GatewayOptions& options) {
  json bounds = json::object();
  for (const BoundName& bound : bound_names()) {
    bounds[std::string(bound.name)] = options.bounds.*bound.member;
  }
  return json{{"listen", options.listen},
              {"tls_listen", options.tls_listen},
              {"tls_certificate", options.tls_certificate.string()},
              {"tls_key", options.tls_key.string()},
              {"to", options.to},
              {"workers", options.workers},
              {"folder", options.folder.string()},
              {"metrics", options.metrics},
              {"access_log", options.access_log.string()},
              {"bounds", bounds}}
      .dump();
}

Result<GatewayOptions> parse_options_text(const std::string& text) {
  try {
    const json parsed = json::parse(text);
    GatewayOptions options;
    parsed.at("listen").get_to(options.listen);
    parsed.at("tls_listen").get_to(options.tls_listen);
    options.tls_certificate = parsed.at("tls_certificate").get<std::string>();
    options.tls_key = parsed.at("tls_key").get<std::string>();
    parsed.at("to").get_to(options.to);
    parsed.at("workers").get_to(options.workers);
    options.folder = parsed.at("folder").get<std::string>();
    options.metrics = parsed.value("metrics", "");
    options.access_log = parsed.value("access_log", "");
    // A bound that the other version does not know keeps its default.
    const json& bounds = parsed.at("bounds");
    for (const BoundName& bound : bound_names()) {
      std::uint64_t& value = options.bounds.*bound.member;
      value = bounds.value(std::string(bound.name), value);
    }
    return options;
  } catch (const json::exception& error) {
    return fail(ErrorKind::kInternal,
                std::string("the keeper sent options that cannot be read: ") + error.what());
  }
}

std::string start_text(const WorkerStart& start) {
  json busy = json::array();
  for (const Rows& rows : start.busy) busy.push_back({rows.first, rows.count});
  return json{{"options", options_text(start.options)},
              {"generation", start.generation},
              {"rows", {start.rows.first, start.rows.count}},
              {"busy", busy},
              {"keeper_form", start.keeper_form}}
      .dump();
}

Result<WorkerStart> parse_start_text(const std::string& text) {
  try {
    const json j = json::parse(text);
    WorkerStart start;
    ECLUSE_ASSIGN(start.options, parse_options_text(j.at("options")));
    j.at("generation").get_to(start.generation);
    start.rows = {j.at("rows").at(0), j.at("rows").at(1)};
    for (const json& rows : j.at("busy")) start.busy.push_back({rows.at(0), rows.at(1)});
    j.at("keeper_form").get_to(start.keeper_form);
    return start;
  } catch (const json::exception& error) {
    return fail(ErrorKind::kInternal,
                std::string("the keeper's first words cannot be read: ") + error.what());
  }
}

}  // namespace ecluse::gateway
