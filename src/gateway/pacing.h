#pragma once
// Whether TCP sends by timers what it could send at once.

#include <sys/socket.h>

namespace ecluse::gateway {

/// BBR (Cardwell et al., ACM Queue 14(5), 2016) paces by timers, at the rate that it measured.
/// Where nothing leaves this machine there is nothing to measure, and the timers cost as much as
/// the bytes: a socket that listens on or connects to a loopback `address` is told to do as RFC
/// 5681 says, and so is what it accepts. Does nothing to one that does not pace, or may reach
/// others. Best effort: paced, the same bytes go through, only dearer.
void stop_pacing(int socket, const sockaddr& address);

}  // namespace ecluse::gateway
