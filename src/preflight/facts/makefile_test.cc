#include "preflight/facts/makefile.h"

#include <gtest/gtest.h>

#include <string>

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
  EXPECT_EQ(follow_make(kMakefile, "make start"), "python manage.py migrate\ngunicorn shop.wsgi\n");
  EXPECT_EQ(follow_make(kMakefile, "cd /app && make -s migrate X=1"), "python manage.py migrate\n");
}

TEST(Makefile, TakesTheRuleOfAnyTargetForOneThatHasNone) {
  constexpr std::string_view kAny = "web:\n\tgunicorn a\n%:\n\tpython manage.py $@\n";
  EXPECT_EQ(follow_make(kAny, "make seed"), "python manage.py seed\n");
  EXPECT_EQ(follow_make(kAny, "make web"), "gunicorn a\n");
}

TEST(Makefile, ReadsARuleForItsFirstTargetsAlone) {
  std::string rule;
  for (int i = 0; i < 100; ++i) rule += "t" + std::to_string(i) + " ";
  rule += ":\n\tpython manage.py migrate\n";
  EXPECT_EQ(follow_make(rule, "make t63"), "python manage.py migrate\n");
  EXPECT_EQ(follow_make(rule, "make t64"), "");
}

TEST(Makefile, MakesItsFirstTargetWhenNoneIsNamed) {
  EXPECT_EQ(follow_make(kMakefile, "make"), follow_make(kMakefile, "make start"));
}

TEST(Makefile, EndsWithRecipesThatCallEachOther) {
  EXPECT_EQ(follow_make(kMakefile, "make circle"), "$(MAKE) circle\nmake again; echo done\n");
}

TEST(Makefile, FillsInItsVariablesAndNoComments) {
  constexpr std::string_view kFile = R"(PYTHON ?= python3
MANAGE = $(PYTHON) manage.py
start: schema ## run make absent
	gunicorn --workers=$(WORKERS) shop.wsgi
schema:
	$(MANAGE) migrate
absent:
	rm -rf data
)";
  EXPECT_EQ(follow_make(kFile, "make start"),
            "python3 manage.py migrate\ngunicorn --workers=$(WORKERS) shop.wsgi\n");
}

TEST(Makefile, EndsWithVariablesThatMultiplyThemselves) {
  std::string file = "A = $(A)$(A)$(A)" + std::string(1000, 'x') + "\nall:\n";
  for (int i = 0; i < 10'000; ++i) file += "\t$(A)\n";
  EXPECT_LT(follow_make(file, "make").size(), std::size_t{1} << 20);
}

TEST(Makefile, SaysNothingOfWhatIsNoCallOfIt) {
  for (const auto* line : {"cmake start", "make -C web start", "make -f other.mk start",
                           "make absent", "python make start"})
    EXPECT_EQ(follow_make(kMakefile, line), "") << line;
}

}  // namespace
}  // namespace ecluse::preflight
