#include "gateway/pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "gateway/kernel_features.h"

namespace ecluse::gateway {

std::unique_ptr<Pipe> Pipe::make() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) return nullptr;
  os::Fd out(ends[0]);
  os::Fd in(ends[1]);
  // Best effort: a user has so many pages for pipes and no more; with fewer there are more calls.
  (void)::fcntl(in.get(), F_SETPIPE_SZ, static_cast<int>(kPieceBytes));
  return std::unique_ptr<Pipe>(new Pipe(std::move(in), std::move(out)));
}

namespace {
ssize_t move_bytes(int from, int to, std::size_t most) {
  ssize_t n = 0;
  do {
    n = ::splice(from, nullptr, to, nullptr, most, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  } while (n < 0 && errno == EINTR);
  return n;
}
}  // namespace

Io Pipe::take(Socket& from, std::size_t most) {
  if (!from.readable) return from.seen_end ? Io::kEnd : Io::kBlocked;
  const ssize_t n = move_bytes(from.fd.get(), in_.get(), most);
  if (n > 0) {
    bytes_ = static_cast<std::size_t>(n);
    return Io::kProgress;
  }
  if (n < 0 && errno != EAGAIN) return Io::kBroken;
  from.readable = false;
  from.seen_end = n == 0;
  return n == 0 ? Io::kEnd : Io::kBlocked;
}

Io Pipe::give(Socket& to) {
  if (!to.writable) return Io::kBlocked;
  const ssize_t n = move_bytes(out_.get(), to.fd.get(), bytes_);
  if (n > 0) {
    bytes_ -= static_cast<std::size_t>(n);
    return Io::kProgress;
  }
  if (n == 0 || errno != EAGAIN) return Io::kBroken;
  to.writable = false;
  return Io::kBlocked;
}

PipePool::Lent PipePool::lend() {
  if (lent_ == kPipesMax || !kernel_features().splice) return {nullptr, {this}};
  std::unique_ptr<Pipe> pipe;
  if (kept_.empty()) {
    pipe = Pipe::make();
  } else {
    pipe = std::move(kept_.back());
    kept_.pop_back();
  }
  if (pipe) ++lent_;
  return {pipe.release(), {this}};
}

void PipePool::take_back(Pipe* pipe) {
  std::unique_ptr<Pipe> back(pipe);
  --lent_;
  if (back->bytes() == 0 && kept_.size() < kKeptMax) kept_.push_back(std::move(back));
}

}  // namespace ecluse::gateway
