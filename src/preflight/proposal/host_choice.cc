#include "preflight/proposal/host_choice.h"

#include <algorithm>

namespace ecluse::preflight {

namespace {

struct LiteralHosts {
  std::vector<std::string> names;  ///< empty: a variable decides
  Evidence why;
};

std::vector<std::string> texts_of(const Value& list) {
  std::vector<std::string> texts;
  for (const auto& item : list.items)
    if (item.value.kind == ValueKind::kString) texts.push_back(item.value.text);
  return texts;
}

/// What Django's literal ALLOWED_HOSTS takes.
LiteralHosts literal_hosts(const Stack& stack) {
  for (const auto& django : stack.djangos) {
    const auto setting = django.setting("ALLOWED_HOSTS");
    if (!setting || setting->assignment->value.kind != ValueKind::kList) continue;
    const auto& value = setting->assignment->value;
    auto names = texts_of(value);
    // With DEBUG on, an empty list lets these in; names below localhost only since 3.1.3.
    if (names.empty()) names = {"localhost", "127.0.0.1"};
    return {std::move(names),
            {setting->file->path, setting->assignment->place, "ALLOWED_HOSTS = " + value.text}};
  }
  return {};
}

bool takes(const std::vector<std::string>& hosts, const std::string& name) {
  return std::ranges::any_of(hosts, [&](const std::string& host) {
    return host == "*" || host == name || (host.starts_with('.') && name.ends_with(host));
  });
}

/// A name of the site's own, no address.
bool is_own_name(const std::string& host) {
  return host != "localhost" && !host.starts_with('.') &&
         host.find_first_not_of("0123456789.:[]") != std::string::npos;
}

bool by_variable(const std::vector<VariableRead>& reads) {
  return std::ranges::any_of(
      reads, [](const VariableRead& each) { return is_host_list(each.read->name); });
}

}  // namespace

void choose_hosts(const Stack& stack, const std::vector<VariableRead>& reads, Proposal& out) {
  const auto usual = out.app + ".localhost";
  const Evidence reason{"", {}, "a name that needs no DNS"};
  out.host = {usual, reason};
  out.preprod_host = {"preprod." + usual, reason};
  const auto hosts = literal_hosts(stack);
  if (hosts.names.empty() || by_variable(reads) || takes(hosts.names, usual)) return;
  const auto own = std::ranges::find_if(hosts.names, is_own_name);
  if (own != hosts.names.end()) out.host = {*own, hosts.why};
  if (takes(hosts.names, "localhost")) out.preprod_host = {"localhost", hosts.why};
  out.gaps.push_back({"the site answers to the names in ALLOWED_HOSTS alone",
                      "read ALLOWED_HOSTS from the environment", hosts.why});
}

bool is_host_list(std::string_view variable) {
  return variable.ends_with("ALLOWED_HOSTS") || variable == "HOSTS" || variable == "DJANGO_HOSTS";
}

}  // namespace ecluse::preflight
