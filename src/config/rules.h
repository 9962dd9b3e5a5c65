#pragma once
// What the texts of ecluse.yml must look like: hosts, volumes, branches, schedules, conditions.

#include <optional>
#include <string_view>

#include "config/values.h"

namespace ecluse::config::rules {

TextRule app_name();
TextRule environment_name();
TextRule host();
TextRule server_file();    ///< "/etc/ssl/shop.pem"
TextRule https_address();  ///< "https://..."
TextRule mail_address();   ///< lower case; "*.example.org" is a wildcard
TextRule address_block();  ///< an IP address or a CIDR block
TextRule volume_path();    ///< below /app
TextRule branch();
TextRule confirmation();
TextRule person();
TextRule rule_id();
TextRule waived_path();
TextRule reason();
TextRule day();
TextRule schedule();
TextRule abort_condition();
TextRule alert_rule();
TextRule backup_target();
TextRule monitor_url();
TextRule expected_text();
TextRule driver_name();

/// A check for a TextRule: a variable's or a secret's name.
std::optional<Wrong> variable_name(std::string_view value);

/// An external service given by address alone is of the kind the address says.
void kind_from_url(const Node& node, Reader& reader, model::ServiceSpec& into);

}  // namespace ecluse::config::rules
