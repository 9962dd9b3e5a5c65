// The short form of a fuzz target, without libFuzzer: every file of its corpus, then mutations of
// them from a fixed seed until either bound is met. An input that crashes the target is left in
// PROGRAM-crash-input in the working directory, because only a file written before survives a
// crash.
//
// Usage: NAME_fuzz CORPUS_FOLDER [SEED]
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "base/prng.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size);

namespace {
namespace fs = std::filesystem;
using namespace std::string_view_literals;
using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kSeed = 20260101;
constexpr std::size_t kMutationsMax = 50'000;
constexpr std::chrono::seconds kSecondsMax{5};
constexpr std::size_t kInputBytesMax = 1 << 16;
constexpr std::size_t kEditsMax = 6;

std::vector<std::string> corpus_in(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<std::string> inputs;
  for (const fs::path& file : files) {
    std::ifstream in(file, std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  return inputs;
}

/// Runs the target on one input at a time, each of which is on disk while it runs.
class Target {
 public:
  explicit Target(const std::string& crash_file)
      : path_(crash_file), fd_(::open(crash_file.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0644)) {}
  ~Target() {
    ::close(fd_);
    ::unlink(path_.c_str());
  }
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;

  bool is_open() const { return fd_ >= 0; }
  void run(const std::string& input) const {
    const auto size = static_cast<off_t>(input.size());
    if (::ftruncate(fd_, size) != 0 || ::pwrite(fd_, input.data(), input.size(), 0) != size) {
      std::perror("keeping the input");
      std::exit(2);
    }
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
  }

 private:
  std::string path_;
  int fd_;
};

class Mutator {
 public:
  Mutator(const std::vector<std::string>& corpus, std::uint64_t seed)
      : corpus_(corpus), prng_(seed) {}

  std::string next() {
    std::string input = any();
    for (std::size_t edits = 1 + prng_.below(kEditsMax); edits > 0; --edits) edit(input);
    input.resize(std::min(input.size(), kInputBytesMax));
    return input;
  }

 private:
  const std::string& any() { return corpus_[prng_.below(corpus_.size())]; }
  std::size_t place_in(const std::string& text) { return prng_.below(text.size() + 1); }
  char any_byte() {
    static constexpr auto kTelling = "\0\n\r\t :;,-[]{}\"'%&*/\\?0919af\x7f\x80\xff"sv;
    if (prng_.chance(0.5)) return kTelling[prng_.below(kTelling.size())];
    return static_cast<char>(prng_.below(256));
  }
  std::string slice_of(const std::string& text) {
    const std::size_t from = place_in(text);
    return text.substr(from, prng_.below(64));
  }

  void edit(std::string& input) {
    const std::size_t at = place_in(input);
    switch (prng_.below(6)) {
      case 0:
        if (at < input.size()) input[at] = any_byte();
        break;
      case 1:
        if (at < input.size()) input[at] = static_cast<char>(input[at] ^ (1 << prng_.below(8)));
        break;
      case 2:
        input.insert(at, prng_.below(8) + 1, any_byte());
        break;
      case 3:
        input.erase(at, prng_.below(32));
        break;
      case 4:
        input.insert(at, slice_of(input));
        break;
      case 5:
        input.insert(at, slice_of(any()));
        break;
    }
  }

  const std::vector<std::string>& corpus_;
  ecluse::Prng prng_;
};

std::size_t mutate(const Target& target, const std::vector<std::string>& corpus,
                   std::uint64_t seed) {
  Mutator mutator(corpus, seed);
  const auto deadline = Clock::now() + kSecondsMax;
  std::size_t done = 0;
  for (; done < kMutationsMax && Clock::now() < deadline; ++done) target.run(mutator.next());
  return done;
}
}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s CORPUS_FOLDER [SEED]\n", argv[0]);
    return 2;
  }
  const auto corpus = corpus_in(argv[1]);
  const Target target(fs::path(argv[0]).filename().string() + "-crash-input");
  if (corpus.empty() || !target.is_open()) {
    std::fprintf(stderr, "%s: no corpus, or no crash file can be written here\n", argv[1]);
    return 2;
  }
  for (const std::string& input : corpus) target.run(input);
  const std::uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : kSeed;
  const std::size_t mutations = mutate(target, corpus, seed);
  std::printf("%zu inputs of the corpus, %zu mutations of seed %llu\n", corpus.size(), mutations,
              static_cast<unsigned long long>(seed));
  return 0;
}
