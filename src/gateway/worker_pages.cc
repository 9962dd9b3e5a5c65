// The app's own pages, in place of ours and of what it says when it fails.
#include <algorithm>

#include "gateway/heads.h"
#include "gateway/http1_chars.h"
#include "gateway/worker_thread.h"

namespace ecluse::gateway {

/// The app's own page where it gave one, for whoever reads HTML.
Page WorkerThread::page_for(const Client& client, const SiteRoute* site, int status) const {
  Page page = status == kMaintenancePage ? maintenance_page() : page_of(status);
  if (site == nullptr || client.facts.html == Html::kNo) return page;
  if (const auto own = site->pages.find(status); own != site->pages.end()) page.html = own->second;
  return page;
}

namespace {
/// Whether what the app says is meant for people: what a program reads is left as it is.
bool is_for_people(const http1::Response& response) {
  const auto* const type = std::ranges::find_if(response.fields, [](const http1::Field& field) {
    return http1::equal_ignoring_case(field.name, "content-type");
  });
  if (type == response.fields.end()) return true;
  const std::string_view media = http1::trim_ows(type->value.substr(0, type->value.find(';')));
  return http1::equal_ignoring_case(media, "text/html") ||
         http1::equal_ignoring_case(media, "text/plain");
}
}  // namespace

/// The app failed, and the site has a page for that.
bool WorkerThread::hides_answer(const Client& client) const {
  constexpr int kFailed = 500;
  if (response_.status != kFailed || client.facts.html != Html::kAsked) return false;
  const SiteRoute* const site = table_->site_of_slot(client.slot);
  return site != nullptr && site->pages.contains(kFailed) && is_for_people(response_);
}

/// An answer all the same, and an error of the release; its text is not read.
void WorkerThread::answer_instead(Client& client) {
  settle(client, ports::Outcome::State::kError);
  if (!client.facts.is_proof) CounterCell::add(cell_of(client).errors_5xx, 1);
  note_success(*client.upstream->target);
  measure(client);
  detach(client, false);
  std::array<char, 64> room{};
  HeadWriter fields(room);
  if (client.facts.shows_release) fields.field("X-Ecluse-Release", client.release);
  answer_page(client, page_for(client, table_->site_of_slot(client.slot), response_.status),
              {room.data(), fields.bytes()});
}

}  // namespace ecluse::gateway
