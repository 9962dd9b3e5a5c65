#include "os/build_id.h"

#include <elf.h>
#include <fmt/format.h>
#include <link.h>

#include <cstring>
#include <string_view>

namespace ecluse::os {

namespace {

constexpr std::size_t kNoteAlignment = 4;

std::size_t padded(std::size_t bytes) {
  return (bytes + kNoteAlignment - 1) / kNoteAlignment * kNoteAlignment;
}

std::string hex(std::string_view bytes) {
  std::string text;
  for (const unsigned char byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

/// Of one segment of notes: each is a header, a name and a content, both padded.
std::string id_among(std::string_view notes) {
  ElfW(Nhdr) head{};
  while (notes.size() >= sizeof head) {
    std::memcpy(&head, notes.data(), sizeof head);
    const auto name = sizeof head;
    const auto content = name + padded(head.n_namesz);
    const auto end = content + padded(head.n_descsz);
    if (end > notes.size()) break;
    if (head.n_type == NT_GNU_BUILD_ID &&
        notes.substr(name, head.n_namesz) == std::string_view("GNU\0", 4))
      return hex(notes.substr(content, head.n_descsz));
    notes.remove_prefix(end);
  }
  return {};
}

/// The first object that is visited is the program itself.
int visit(dl_phdr_info* object, std::size_t, void* found) {
  for (std::size_t i = 0; i < object->dlpi_phnum; ++i) {
    const auto& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_NOTE) continue;
    const auto* begin = reinterpret_cast<const char*>(object->dlpi_addr + segment.p_vaddr);
    auto id = id_among({begin, segment.p_memsz});
    if (!id.empty()) *static_cast<std::string*>(found) = std::move(id);
  }
  return 1;
}

}  // namespace

std::string build_id() {
  std::string found;
  dl_iterate_phdr(visit, &found);
  return found;
}

}  // namespace ecluse::os
