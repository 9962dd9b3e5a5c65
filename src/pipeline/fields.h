#pragma once
// The fields of a stage, named once (base/json_fields.h). Included by .cc files that make JSON.

#include "base/json_fields.h"
#include "pipeline/step.h"

namespace ecluse::pipeline {

template <typename V>
void fields(V& v, Stage& x) {
  v("name", x.name);
  v("began_ms", x.began);
  v("ended_ms", x.ended);
  v("failed", x.failed);
  v("skipped", x.skipped);
  v("detail", x.detail);
}

}  // namespace ecluse::pipeline
