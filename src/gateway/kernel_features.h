#pragma once
// What of this kernel the engine uses where it can, and a sandbox around us may withhold. Each is
// tried for real once in a process, and each has a way round it: without all of them the gateway
// serves the same bytes, only dearer. Which calls it cannot be without: docs/gateway.md.

#include <array>
#include <string>
#include <string_view>

namespace ecluse::gateway {

struct KernelFeatures {
  bool reuse_port = false;    ///< SO_REUSEPORT, Linux 3.9
  bool splice = false;        ///< Linux 2.6.17
  bool send_file = false;     ///< from a file to a socket, Linux 2.2
  bool open_beneath = false;  ///< openat2 with RESOLVE_BENEATH, Linux 5.6
};

struct KernelFeature {
  std::string_view name;     ///< as its manual page has it
  std::string_view instead;  ///< what is done without it
  bool KernelFeatures::* has;
};
inline constexpr auto kKernelFeatures = std::to_array<KernelFeature>({
    {"SO_REUSEPORT", "all threads accept from one socket", &KernelFeatures::reuse_port},
    {"splice", "large bodies are copied", &KernelFeatures::splice},
    {"sendfile", "static files are copied", &KernelFeatures::send_file},
    {"openat2", "a static file is opened in two steps", &KernelFeatures::open_beneath},
});

/// Tries each; some microseconds, and nothing is left behind.
KernelFeatures probe_kernel_features();
/// As probed at the first call in this process. Thread-safe.
const KernelFeatures& kernel_features();
/// "SO_REUSEPORT, splice, sendfile; without openat2: a static file is opened in two steps".
std::string to_text(const KernelFeatures& features);

}  // namespace ecluse::gateway
