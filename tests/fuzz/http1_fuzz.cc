// libFuzzer on the one parser of the gateway: any bytes, in any slices. The properties are those of
// http1_head_test.cc and http1_chunked_test.cc, without a generator's prejudice.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "gateway/http1_chars.h"
#include "gateway/http1_chunked.h"
#include "gateway/http1_head.h"

namespace {
using namespace ecluse::gateway::http1;

void require(bool condition) {
  if (!condition) std::abort();
}

struct Verdict {
  HeadScanner::State state = HeadScanner::State::kMore;
  Fault fault = Fault::kNone;
  std::size_t begin = 0;
  std::size_t end = 0;
  bool operator==(const Verdict&) const = default;
};

Verdict scan(std::string_view bytes, HeadKind kind, std::size_t slice) {
  const HeadBounds bounds{.start_line_bytes_max = 256, .head_bytes_max = 1024, .fields_max = 16};
  HeadScanner scanner(kind);
  for (std::size_t cut = 0; cut < bytes.size();) {
    cut = std::min(bytes.size(), cut + slice);
    const auto state = scanner.scan(bytes.substr(0, cut), bounds);
    if (state != HeadScanner::State::kMore) {
      const bool complete = state == HeadScanner::State::kComplete;
      if (!complete) return {state, scanner.fault()};
      return {state, scanner.fault(), scanner.head_begin(), scanner.head_end()};
    }
  }
  return {};
}

void check_fields(const Fields& fields) {
  for (const Field& field : fields) {
    require(is_token(field.name));
    require(all_in(kValueChars, field.value));
  }
}

void check_head(std::string_view head) {
  static Request request;
  static Response response;
  if (parse_request(head, request) == Fault::kNone) {
    check_fields(request.fields);
    require(!request.authority.empty() && all_in(kTargetChars, request.target));
    require(request.framing.kind != BodyKind::kUntilClose);
  }
  for (const bool to_head : {false, true}) {
    if (parse_response(head, to_head, response) == Fault::kNone) check_fields(response.fields);
  }
}

struct Decoded {
  std::string body;
  std::size_t consumed = 0;
  Fault fault = Fault::kNone;
  bool done = false;
  bool operator==(const Decoded&) const = default;
};

Decoded decode(std::string_view bytes, std::size_t slice) {
  ChunkedDecoder decoder;
  Decoded all;
  while (all.consumed < bytes.size() && !decoder.done() && decoder.fault() == Fault::kNone) {
    std::string part(bytes.substr(all.consumed, slice));
    const auto progress = decoder.decode(part, {.line_bytes_max = 64, .trailer_bytes_max = 256});
    require(progress.produced <= progress.consumed && progress.consumed <= part.size());
    require(progress.consumed > 0);
    all.body.append(part, 0, progress.produced);
    all.consumed += progress.consumed;
  }
  all.fault = decoder.fault();
  all.done = decoder.done();
  return all;
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t slice = data[0] + 1U;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  for (const HeadKind kind : {HeadKind::kRequest, HeadKind::kResponse}) {
    const Verdict whole = scan(bytes, kind, bytes.size());
    require(whole == scan(bytes, kind, slice));
    if (whole.state == HeadScanner::State::kComplete) {
      require(kind == HeadKind::kRequest || whole.begin == 0);
      require(whole.begin <= 2 * kEmptyLinesMax);
      check_head(bytes.substr(whole.begin, whole.end - whole.begin));
    }
  }
  require(decode(bytes, bytes.size()) == decode(bytes, slice));
  return 0;
}
