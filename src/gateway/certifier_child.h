#pragma once
// The certifier process as its parent, the worker process, sees it: started when a host wants a
// certificate by ACME, started again when it died, ended with its parent.

#include <sys/types.h>

#include <cstdint>
#include <filesystem>

namespace ecluse::gateway {

class CertifierChild {
 public:
  /// `folder`: the one it works in.
  explicit CertifierChild(std::filesystem::path folder) : folder_(std::move(folder)) {}
  CertifierChild(const CertifierChild&) = delete;
  CertifierChild& operator=(const CertifierChild&) = delete;
  ~CertifierChild() { stop(); }

  /// Starts it unless it runs; one that died is not started again within ten seconds. Cheap; always
  /// from the same thread, whose end is the child's end.
  void keep_running(std::int64_t now_s);
  void stop();

 private:
  bool is_running();
  void start();

  const std::filesystem::path folder_;
  pid_t pid_ = 0;
  std::int64_t started_s_ = 0;
};

}  // namespace ecluse::gateway
