#pragma once
// The schema that the app's own migrations made, as the server describes it.

#include <vector>

#include "transfer/postgres.h"

namespace ecluse::transfer {

struct TargetSchema {
  std::vector<TargetTable> tables;  ///< those that a plain name finds, without partitions
  std::vector<Reference> references;
};

Result<TargetSchema> read_schema(Postgres& database);

}  // namespace ecluse::transfer
