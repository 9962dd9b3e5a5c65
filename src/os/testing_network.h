#pragma once
// For tests: a network of its own for one thread and what it starts. Needs root, and `ip`.

#include <gtest/gtest.h>
#include <sched.h>

#include <functional>
#include <thread>

#include "os/subprocess.h"

namespace ecluse::os::testing {

/// Runs `body` on a thread whose network namespace has loopback and nothing else, so that the real
/// host's ports and rules are neither needed nor touched.
inline void on_a_host_of_its_own(const std::function<void()>& body) {
  std::thread([&] {
    ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
    const auto up = output_of({.argv = {"ip", "link", "set", "lo", "up"}});
    ASSERT_TRUE(up) << up.error().message;
    body();
  }).join();
}

}  // namespace ecluse::os::testing
