#pragma once
// Deadlines of many connections at constant cost. Moving a deadline later is one store: the entry
// stays in its slot and is put into a later one when the slot comes up (a lazy hashed wheel;
// Varghese and Lauck, "Hashed and hierarchical timing wheels", 1987).

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace ecluse::gateway {

using Millis = std::int64_t;  ///< of CLOCK_MONOTONIC

struct TimerEntry {
  bool is_client = false;  ///< what the entry is a part of
  Millis deadline = 0;
  Millis visited_at = 0;  ///< when its slot comes up; 0: in no slot
  TimerEntry* next = nullptr;
  TimerEntry* previous = nullptr;
};

class TimerWheel {
 public:
  explicit TimerWheel(Millis now) : tick_(now / kTickMs) {
    for (TimerEntry& slot : slots_) slot.next = slot.previous = &slot;
  }
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  void set(TimerEntry& entry, Millis deadline) {
    entry.deadline = deadline;
    if (entry.visited_at != 0 && entry.visited_at <= deadline + kTickMs) return;
    remove(entry);
    insert(entry);
  }
  void remove(TimerEntry& entry) {
    if (entry.visited_at == 0) return;
    entry.previous->next = entry.next;
    entry.next->previous = entry.previous;
    entry.visited_at = 0;
  }
  /// Calls `expired(entry)` for each entry whose deadline has passed; it is in no slot then, and
  /// may be set again or destroyed.
  template <typename F>
  void advance(Millis now, F&& expired) {
    const Millis target = now / kTickMs;
    if (target - tick_ >= kSlots) tick_ = target - kSlots + 1;  // one round visits every slot
    const bool has_due = earliest_ <= target;
    for (; has_due && tick_ <= target; ++tick_) visit(slot_at(tick_), now, expired);
    if (has_due) find_earliest();
    tick_ = std::max(tick_, target + 1);
  }
  /// How long to sleep until a slot with entries comes up; -1: for ever.
  int sleep_ms(Millis now) const {
    if (earliest_ == kNever) return -1;
    return static_cast<int>(std::max<Millis>(1, earliest_ * kTickMs - now));
  }

 private:
  static constexpr Millis kTickMs = 32;
  static constexpr Millis kSlots = 512;
  static constexpr Millis kNever = std::numeric_limits<Millis>::max();

  TimerEntry& slot_at(Millis tick) { return slots_[static_cast<std::size_t>(tick % kSlots)]; }
  void find_earliest() {
    earliest_ = kNever;
    for (Millis tick = tick_; tick < tick_ + kSlots && earliest_ == kNever; ++tick) {
      if (slot_at(tick).next != &slot_at(tick)) earliest_ = tick;
    }
  }

  void insert(TimerEntry& entry) {
    Millis tick = entry.deadline / kTickMs + 1;
    tick = std::min(std::max(tick, tick_), tick_ + kSlots - 1);
    TimerEntry& slot = slot_at(tick);
    earliest_ = std::min(earliest_, tick);
    entry.visited_at = tick * kTickMs;
    entry.next = &slot;
    entry.previous = slot.previous;
    slot.previous->next = &entry;
    slot.previous = &entry;
  }
  template <typename F>
  void visit(TimerEntry& slot, Millis now, F& expired) {
    // What is set again while the slot is visited goes behind `last`, into a later slot.
    TimerEntry due;
    due.next = slot.next;
    due.previous = slot.previous;
    if (slot.next == &slot) return;
    due.next->previous = &due;
    due.previous->next = &due;
    slot.next = slot.previous = &slot;
    while (due.next != &due) {
      TimerEntry& entry = *due.next;
      remove(entry);
      if (entry.deadline > now) {
        insert_later(entry);
      } else {
        expired(entry);
      }
    }
  }
  void insert_later(TimerEntry& entry) {
    // The slot being visited is tick_: at least the next one.
    ++tick_;
    insert(entry);
    --tick_;
  }

  std::array<TimerEntry, kSlots> slots_;
  Millis tick_;
  Millis earliest_ = kNever;  ///< no slot before it has entries
};

}  // namespace ecluse::gateway
