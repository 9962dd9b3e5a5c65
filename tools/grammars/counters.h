// In place of tree-sitter's src/atomic.h, by its include guard: a tree here lives and ends in the
// thread that parsed it, so what counts its references needs no locked instruction (a tenth of
// parsing). Whoever hands a tree to another thread must take this away first.
#ifndef TREE_SITTER_ATOMIC_H_
#define TREE_SITTER_ATOMIC_H_

#include <stddef.h>
#include <stdint.h>

static inline size_t atomic_load(const volatile size_t* counter) {
  return *counter;
}

static inline uint32_t atomic_inc(volatile uint32_t* counter) {
  return *counter += 1U;
}

static inline uint32_t atomic_dec(volatile uint32_t* counter) {
  return *counter -= 1U;
}

#endif
