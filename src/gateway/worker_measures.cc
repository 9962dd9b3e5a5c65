// What a worker thread measures of each request, and what it writes of those that are logged.
#include <ctime>

#include "gateway/heads.h"
#include "gateway/worker_thread.h"

namespace ecluse::gateway {

void WorkerThread::hit(std::uint64_t Bounds::* bound) {
  context_.memory->measures().hit(index_, bound);
}

void WorkerThread::hit(Refusal refusal) {
  context_.memory->measures().hit(index_, refusal);
}

void WorkerThread::hit_fault(const Client& client, http1::Fault fault) {
  switch (fault) {
    case http1::Fault::kBodyTooLarge:
      return hit(&Bounds::body_bytes_max);
    case http1::Fault::kChunkLineTooLong:
      return hit(&Bounds::chunk_line_bytes_max);
    case http1::Fault::kTargetTooLong:
      return hit(&Bounds::start_line_bytes_max);
    case http1::Fault::kHeadTooLarge:
      if (client.phase != Phase::kHead) return hit(&Bounds::trailer_bytes_max);
      return hit(client.socket.received().size() < bounds_.head_bytes_max
                     ? &Bounds::fields_max
                     : &Bounds::head_bytes_max);
    case http1::Fault::kNone:
    case http1::Fault::kMalformed:
    case http1::Fault::kExpectation:
    case http1::Fault::kNotImplemented:
    case http1::Fault::kVersion:
      return;
  }
}

/// An answer has ended well. What we ask ourselves is no visitor's request, here as among those
/// that are counted.
void WorkerThread::measure(const Client& client) {
  if (client.facts.is_proof) return;
  const std::int64_t took = now_us_ - client.began_us;
  context_.memory->measures()
      .latencies(index_, client.slot)
      .add(static_cast<std::uint64_t>(std::max<std::int64_t>(took, 1)));
}

/// The head may be gone when the request ends: what is logged of it is kept from here on.
void WorkerThread::begin_note(Client& client, const http1::Request& request) {
  std::array<char, 64> room{};
  const std::string_view path = request.target.substr(0, request.target.find('?'));
  client.note = std::make_unique<AccessNote>();
  client.note->client = address_text(client.address, room);
  client.note->method = request.method;
  client.note->host = request.authority;
  client.note->path = request.needs_slash ? "/" : path.substr(0, AccessNote::kPathBytesMax);
  client.note->arrived_us = client.began_us;
}

void WorkerThread::note_attempt(Client& client, const SiteRoute& site, const Target& target) {
  AccessNote& note = *client.note;
  note.site = site.name;
  note.release = client.release;
  note.is_on_trial = site.on_trial == client.release;
  note.instance = target.instance;
  note.id.assign(id_text_.data(), id_text_.size());
}

/// No app is asked, so no instance is named.
void WorkerThread::note_file(Client& client, const SiteRoute& site) {
  client.note->site = site.name;
  client.note->release = client.release;
  client.note->is_on_trial = site.on_trial == client.release;
}

void WorkerThread::end_note(Client& client) {
  AccessNote& note = *client.note;
  note.status = client.status;
  note.attempts = client.attempts + 1;
  if (client.answer_started && !note.instance.empty()) {
    note.bytes_in = client.exchange().up.bytes();
    note.bytes_out = client.exchange().down.bytes();
  }
  timespec now{};
  (void)::clock_gettime(CLOCK_REALTIME, &now);  // cannot fail with this clock
  const std::int64_t now_ms = std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
  context_.log->put(access_line(note, now_us_ - note.arrived_us, now_ms));
  client.note.reset();
}

}  // namespace ecluse::gateway
