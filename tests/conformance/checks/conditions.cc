// Conditions of puts: NEWER, BUMP and EXACT as plugin.h defines them, entry by entry and against the definition in
// plugin.hpp over random sequences.
#include <array>
#include <random>

#include "cachechain/plugin.hpp"
#include "checks/checks.h"
#include "driver/layer.h"

namespace cachechain::conformance {
namespace {

// What a layer should hold: the model that each answer is compared with.
struct Model {
  plugin::Stored stored;
  std::string data;
};

std::string describe(const Put &put) {
  constexpr std::array kNames = {"NEWER", "BUMP", "EXACT"};
  std::string out = text(kNames[put.condition.value_or(0)], " put of version ", put.version);
  if (put.condition == CACHECHAIN_PUT_EXACT) {
    out += text(" expecting version ", put.expect_version, " token ", put.expect_token);
  }
  if (put.horizon != 0) out += text(" horizon ", put.horizon);
  if (put.cleared != 0) out += text(" cleared ", put.cleared);
  return out;
}

// Puts, compares the answer with judge(), and what is stored afterwards with the model. False after a failure.
bool agrees(Check &check, Caller &caller, Model &model, const Put &put) {
  if (!check.going()) return false;
  cachechain_put raw{};
  raw.version = put.version;
  raw.created = put.created_or_version();
  raw.condition = *put.condition;
  raw.expect_version = put.expect_version;
  raw.expect_token = put.expect_token;
  raw.horizon = put.horizon;
  raw.cleared = put.cleared;
  const cachechain_put_result wanted = plugin::judge(raw, model.stored);
  const std::string what = text(describe(put), " over version ", model.stored.version, " created ",
                                model.stored.created, " token ", model.stored.token);
  const Done done = caller.put(put);
  check.status(done.status, wanted.status, what);
  check.equal(done.version, wanted.version, text("the version in the result of a ", what));
  if (wanted.status == CACHECHAIN_OK) {
    model.stored = {wanted.version, plugin::created_at(raw, wanted.version), put.token};
    model.data = put.data;
  }
  const Got got = caller.get(put.key);
  if (model.stored.version == 0) return check.status(got.status, CACHECHAIN_MISS, text("get after a ", what));
  return check.status(got.status, CACHECHAIN_OK, text("get after a ", what)) &&
         check.equal(got.version, model.stored.version, text("the version stored after a ", what)) &&
         check.equal(got.created, model.stored.created, text("`created` stored after a ", what)) &&
         check.bytes(got.data(), model.data, text("the value stored after a ", what));
}

// A Model and the puts that it goes through, in order.
void sequence(Check &check, Caller &caller, const Key &key, std::initializer_list<Put> puts) {
  Model model;
  int number = 0;
  for (Put put : puts) {
    put.key = key;
    put.data = text("value ", ++number);
    if (!agrees(check, caller, model, put)) return;
  }
}

void newer(Check &check) {
  Layer layer(check);
  if (!layer.needs(CACHECHAIN_CAP_NEWER) || !layer.needs_metadata()) return;
  Caller caller(layer);
  const auto put = [](uint64_t version) {
    return Put{.key = "", .version = version, .condition = CACHECHAIN_PUT_NEWER};
  };
  sequence(check, caller, "newer", {put(101), put(101), put(99), put(103), put(102), put(103), put(1), put(105)});
  // An odd number is a mutation, the even one below it voids what is older and must not void the mutation itself.
  sequence(check, caller, "invalidated", {put(200), put(199), put(201), put(200)});
  constexpr uint64_t kMost = (UINT64_C(1) << 63) - 1;
  sequence(check, caller, "wide", {put(1), put(kMost - 2), put(UINT64_C(1) << 62), put(kMost), put(kMost)});
  sequence(check, caller, "halves", {put(0x0000000100000001), put(0x00000000ffffffff), put(0x0000000200000001)});
}

void bump(Check &check) {
  Layer layer(check);
  if (!layer.needs(CACHECHAIN_CAP_BUMP) || !layer.needs_metadata()) return;
  Caller caller(layer);
  const auto put = [](uint64_t version) {
    return Put{.key = "", .version = version, .condition = CACHECHAIN_PUT_BUMP};
  };
  sequence(check, caller, "bump", {put(101), put(101), put(99), put(1), put(301), put(303), put(302)});
  sequence(check, caller, "over even", {put(100), put(1), put(102)});
  sequence(check, caller, "wide", {put(UINT64_C(1) << 62), put(1), put(UINT64_C(1) << 61)});
}

void exact(Check &check) {
  Layer layer(check);
  if (!layer.needs(CACHECHAIN_CAP_EXACT) || !layer.needs_metadata()) return;
  Caller caller(layer);
  const auto put = [](uint64_t version, uint64_t token, uint64_t expect, uint64_t expect_token) {
    return Put{.key = "",
               .version = version,
               .token = token,
               .condition = CACHECHAIN_PUT_EXACT,
               .expect_version = expect,
               .expect_token = expect_token};
  };
  sequence(check, caller, "exact",
           {put(101, 0, 99, 0), put(101, 0, 0, 7), put(101, 0, 0, 0), put(103, 0, 0, 0), put(103, 0, 101, 1),
            put(103, 0, 103, 0), put(103, 0, 101, 0), put(51, 0, 103, 0), put(53, 0, 51, 0)});
  constexpr uint64_t kWideToken = UINT64_C(0xfedcba9876543210);
  sequence(check, caller, "tokens",
           {put(101, kWideToken, 0, 0), put(103, 0, 101, 0), put(103, 0, 101, kWideToken - 1),
            put(103, 0, 100, kWideToken), put(103, 5, 101, kWideToken), put(105, 0, 103, 5)});
}

void horizon(Check &check) {
  Layer layer(check);
  if (!layer.needs(CACHECHAIN_CAP_NEWER) || !layer.needs_metadata()) return;
  Caller caller(layer);
  const auto put = [](uint32_t condition, uint64_t version, uint64_t limit, uint64_t expect = 0) {
    return Put{.key = "", .version = version, .condition = condition, .expect_version = expect, .horizon = limit};
  };
  sequence(
      check, caller, "newer",
      {put(CACHECHAIN_PUT_NEWER, 9001, 0), put(CACHECHAIN_PUT_NEWER, 101, 9001), put(CACHECHAIN_PUT_NEWER, 101, 9000),
       put(CACHECHAIN_PUT_NEWER, 99, 9000), put(CACHECHAIN_PUT_NEWER, 103, 101)});
  if (layer.can(CACHECHAIN_CAP_BUMP)) {
    sequence(check, caller, "bump",
             {put(CACHECHAIN_PUT_BUMP, 9001, 0), put(CACHECHAIN_PUT_BUMP, 101, 9001),
              put(CACHECHAIN_PUT_BUMP, 101, 9001), put(CACHECHAIN_PUT_BUMP, 103, 9000)});
  }
  if (layer.can(CACHECHAIN_CAP_EXACT)) {
    sequence(check, caller, "exact",
             {put(CACHECHAIN_PUT_NEWER, 9001, 0), put(CACHECHAIN_PUT_EXACT, 101, 9000, 9001),
              put(CACHECHAIN_PUT_EXACT, 101, 9000, 0)});
  }
}

void cleared(Check &check) {
  Layer layer(check);
  if (!layer.needs(CACHECHAIN_CAP_NEWER) || !layer.needs_metadata()) return;
  Caller caller(layer);
  const auto put = [](uint32_t condition, uint64_t version, uint64_t created, uint64_t limit, uint64_t expect = 0) {
    return Put{.key = "",
               .version = version,
               .created = created,
               .condition = condition,
               .expect_version = expect,
               .cleared = limit};
  };
  sequence(check, caller, "newer",
           {put(CACHECHAIN_PUT_NEWER, 201, 101, 0), put(CACHECHAIN_PUT_NEWER, 151, 149, 100),
            put(CACHECHAIN_PUT_NEWER, 151, 149, 101), put(CACHECHAIN_PUT_NEWER, 149, 149, 148)});
  if (layer.can(CACHECHAIN_CAP_BUMP)) {
    sequence(check, caller, "bump",
             {put(CACHECHAIN_PUT_BUMP, 201, 101, 0), put(CACHECHAIN_PUT_BUMP, 151, 151, 101),
              put(CACHECHAIN_PUT_BUMP, 51, 153, 150)});
  }
  if (layer.can(CACHECHAIN_CAP_EXACT)) {
    sequence(check, caller, "exact",
             {put(CACHECHAIN_PUT_NEWER, 201, 101, 0), put(CACHECHAIN_PUT_EXACT, 203, 203, 101, 201),
              put(CACHECHAIN_PUT_EXACT, 203, 203, 101, 0)});
  }
}

void kinds_replace_one_another(Check &check) {
  Layer layer(check);
  if (!layer.needs(CACHECHAIN_CAP_NEWER) || !layer.needs_metadata()) return;
  Caller caller(layer);
  uint64_t version = 1;
  for (uint32_t before = CACHECHAIN_KIND_VALUE; before <= CACHECHAIN_KIND_LEASE; ++before) {
    for (uint32_t after = CACHECHAIN_KIND_VALUE; after <= CACHECHAIN_KIND_LEASE; ++after) {
      const auto put = [&](uint32_t kind, uint64_t of) {
        return Put{.key = "one key",
                   .data = kind == CACHECHAIN_KIND_VALUE ? "value" : "",
                   .version = of,
                   .flags = kind,
                   .condition = CACHECHAIN_PUT_NEWER};
      };
      caller.stores(put(before, version += 2));
      caller.stores(put(after, version += 2));
      const std::string what = text("kind ", after, " over kind ", before);
      check.status(caller.put(put(before, version)).status, CACHECHAIN_SUPERSEDED, text("equal version after ", what));
      const Got got = caller.get("one key");
      check.status(got.status, CACHECHAIN_OK, text("get of ", what));
      check.equal(got.flags & CACHECHAIN_FLAG_KIND_MASK, after, text("the kind of ", what));
      check.equal(got.version, version, text("the version of ", what));
      check.bytes(got.data(), after == CACHECHAIN_KIND_VALUE ? "value" : "", text("the value of ", what));
      if (!check.going()) return;
    }
  }
}

void random_sequences(Check &check) {
  Layer layer(check);
  if (!layer.needs_metadata()) return;
  std::vector<uint32_t> conditions;
  if (layer.can(CACHECHAIN_CAP_NEWER)) conditions.push_back(CACHECHAIN_PUT_NEWER);
  if (layer.can(CACHECHAIN_CAP_BUMP)) conditions.push_back(CACHECHAIN_PUT_BUMP);
  if (layer.can(CACHECHAIN_CAP_EXACT)) conditions.push_back(CACHECHAIN_PUT_EXACT);
  if (conditions.empty()) return check.skip("the layer does not declare CAP_NEWER, CAP_BUMP or CAP_EXACT");
  Caller caller(layer);
  std::mt19937 random(7);
  std::array<Model, 4> models;
  const auto near = [&](uint64_t number) {
    const uint64_t shifted = number + random() % 9;
    return shifted < 5 ? 1 : shifted - 4;
  };
  const int steps = layer.repeat(20'000);
  for (int step = 0; step < steps && check.going(); ++step) {
    const size_t which = random() % models.size();
    Model &model = models[which];
    Put put{.key = Key(text("key ", which)), .data = text("step ", step)};
    put.condition = conditions[random() % conditions.size()];
    // Close to what is stored, where the comparisons turn.
    put.version = near(model.stored.version);
    put.created = near(model.stored.created);
    put.token = random() % 3;
    put.expect_version = random() % 2 == 0 ? model.stored.version : near(model.stored.version);
    put.expect_token = random() % 2 == 0 ? model.stored.token : random() % 3;
    if (random() % 8 == 0) put.horizon = near(model.stored.version);
    if (random() % 8 == 0) put.cleared = near(model.stored.created);
    agrees(check, caller, model, put);
  }
}

constexpr Listed kChecks[] = {
    {"slots.put_newer", newer},
    {"slots.put_bump", bump},
    {"slots.put_exact", exact},
    {"slots.put_sees_up_to_the_horizon", horizon},
    {"slots.put_sees_what_was_not_cleared", cleared},
    {"slots.kinds_replace_one_another", kinds_replace_one_another},
    {"slots.conditions_agree_with_their_definition", random_sequences},
};

}  // namespace

std::span<const Listed> condition_checks() { return kChecks; }

}  // namespace cachechain::conformance
