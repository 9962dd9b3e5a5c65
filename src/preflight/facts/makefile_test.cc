#include "preflight/facts/makefile.h"

#include <gtest/gtest.h>

namespace ecluse::preflight {
namespace {

constexpr std::string_view kMakefile = R"(.PHONY: start migrate
NAME := shop
# run: nothing
start: migrate
	@gunicorn $(NAME).wsgi

migrate:
	-python manage.py migrate
again:
	$(MAKE) circle
circle: again
	make again; echo done
)";

TEST(Makefile, FollowsATargetAndWhatItNeeds) {
  EXPECT_EQ(follow_make(kMakefile, "make start"),
            "python manage.py migrate\ngunicorn $(NAME).wsgi\n");
  EXPECT_EQ(follow_make(kMakefile, "cd /app && make -s migrate X=1"), "python manage.py migrate\n");
}

TEST(Makefile, MakesItsFirstTargetWhenNoneIsNamed) {
  EXPECT_EQ(follow_make(kMakefile, "make"), follow_make(kMakefile, "make start"));
}

TEST(Makefile, EndsWithRecipesThatCallEachOther) {
  EXPECT_EQ(follow_make(kMakefile, "make circle"), "$(MAKE) circle\nmake again; echo done\n");
}

TEST(Makefile, SaysNothingOfWhatIsNoCallOfIt) {
  for (const auto* line : {"cmake start", "make -C web start", "make -f other.mk start",
                           "make absent", "python make start"})
    EXPECT_EQ(follow_make(kMakefile, line), "") << line;
}

}  // namespace
}  // namespace ecluse::preflight
