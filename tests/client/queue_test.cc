// Queue: each submitted call answers by one event, which owns what it brings.
#include <gtest/gtest.h>
#include <poll.h>

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "cachechain/cachechain.hpp"
#include "support.h"

namespace cachechain::client {
namespace {

using namespace std::chrono_literals;

static_assert(!std::is_copy_constructible_v<Queue> && std::is_nothrow_move_constructible_v<Queue>);
static_assert(!std::is_copy_constructible_v<Event> && std::is_nothrow_move_constructible_v<Event>);

Queue open_queue(uint64_t capacity = 64) {
  auto queue = Queue::open(capacity);
  EXPECT_TRUE(queue) << queue.error().message();
  return std::move(queue).value();
}

Event next(const Queue &queue) {
  Event event[1];
  auto came = queue.wait(event);
  EXPECT_TRUE(came) << came.error().message();
  EXPECT_EQ(*came, 1u);
  return std::move(event[0]);
}

TEST(Queue, EveryKindOfCallAnswersByItsEvent) {
  const Folder folder;
  const Chain chain = open_sqlite(folder);
  const Queue queue = open_queue();
  ASSERT_TRUE(queue.submit_set(chain, "k", "value", 1, {.ttl = 1h}));
  Event set = next(queue);
  EXPECT_EQ(set.token(), 1u);
  EXPECT_EQ(set.kind(), uint32_t{CACHECHAIN_EVENT_SET});
  auto written = std::move(set).written();
  ASSERT_TRUE(written) << written.error().message();
  EXPECT_EQ(written->done, 3u);

  ASSERT_TRUE(queue.submit_get(chain, "k", 2, {.min_version = written->version}));
  auto found = next(queue).lookup();
  ASSERT_TRUE(found && found->hit());
  EXPECT_EQ(found->value.view(), "value");
  EXPECT_EQ(found->value.version(), written->version);

  ASSERT_TRUE(queue.submit_remove(chain, "k", 3));
  EXPECT_TRUE(next(queue).written());
  ASSERT_TRUE(queue.submit_get(chain, "k", 4));
  EXPECT_FALSE(next(queue).lookup().value().hit());

  ASSERT_TRUE(queue.submit_load(chain, "k", 5));
  auto turn = next(queue).leased(chain);
  ASSERT_TRUE(turn && turn->lease);
  EXPECT_TRUE(turn->lease.fulfil("loaded"));
  EXPECT_EQ(chain.get("k").value().value.view(), "loaded");
}

TEST(Queue, ARefusedSubmitGivesNoEvent) {
  const Chain chain = open_memory();
  const Queue queue = open_queue(1);
  EXPECT_EQ(queue.submit_get(chain, "", 1).error().status(), CACHECHAIN_INVALID_ARGUMENT);
  ASSERT_TRUE(queue.submit_get(chain, "none", 2));
  auto full = queue.submit_get(chain, "none", 3);
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().status(), CACHECHAIN_QUEUE_FULL);
  EXPECT_NE(full.error().message(), full.error().name()) << "the library's own text";
  EXPECT_EQ(next(queue).token(), 2u);
  Event event[1];
  EXPECT_EQ(queue.wait(event, 0ns).value(), 0u);
  EXPECT_EQ(Queue::open(0).error().status(), CACHECHAIN_INVALID_ARGUMENT);
}

TEST(Queue, AnEventOwnsItsErrorAndItsValueAndOutlivesAll) {
  std::optional<Chain> chain = open_memory();
  std::optional<Queue> queue = open_queue();
  const std::string large(100'000, 'x');
  ASSERT_TRUE(chain->set("k", large));
  ASSERT_TRUE(queue->submit_get(*chain, "k", 1));
  Event hit = next(*queue);
  ASSERT_TRUE(queue->submit_get(*chain, "none", 2, {.timeout = -1ns}));
  Event late = next(*queue);
  Event untaken = Event(std::move(late));
  late = std::move(untaken);
  queue.reset();
  chain.reset();
  EXPECT_EQ(std::move(hit).lookup().value().value.view(), large);
  EXPECT_TRUE(late.failed());
  auto failed = std::move(late).lookup();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().status(), CACHECHAIN_DEADLINE);
  EXPECT_FALSE(failed.error().message().empty());
}

TEST(Queue, ManyEventsAreTakenAtOnce) {
  const Chain chain = open_memory();
  ASSERT_TRUE(chain.set("k", "v"));
  const Queue queue = open_queue(200);
  for (uint64_t i = 0; i < 200; ++i) ASSERT_TRUE(queue.submit_get(chain, "k", i));
  pollfd one{queue.fd().value(), POLLIN, 0};
  EXPECT_EQ(poll(&one, 1, -1), 1);
  std::vector<Event> room(100);
  std::vector<int> met(200);
  for (size_t all = 0; all < met.size();) {
    auto came = queue.wait(room);
    ASSERT_TRUE(came && *came > 0);
    EXPECT_LE(*came, Queue::kAtOnce);
    for (size_t i = 0; i < *came; ++i) ++met[room[i].token()];
    all += *came;
  }
  EXPECT_EQ(met, std::vector<int>(200, 1));
}

TEST(Queue, ALayerThatFailsIsToldToWhoWatches) {
  const Folder folder;
  const Chain chain = open_sqlite(folder);
  const Queue queue = open_queue();
  EXPECT_EQ(queue.watch(chain, ~0u).error().status(), CACHECHAIN_UNSUPPORTED);
  ASSERT_TRUE(queue.watch(chain, CACHECHAIN_WATCH_LAYER | CACHECHAIN_WATCH_LOG));
  const Locked locked(folder);
  bool layer = false;
  bool line = false;
  while (!layer || !line) {
    ASSERT_TRUE(queue.submit_set(chain, "k", "v", 1, {.timeout = 20ms}));
    for (bool answered = false; !answered;) {
      Event event = next(queue);
      answered = event.kind() == CACHECHAIN_EVENT_SET;
      if (event.kind() == CACHECHAIN_EVENT_LAYER) {
        layer = true;
        EXPECT_EQ(event.layer(), 1);
        EXPECT_TRUE(event.failed());
        EXPECT_FALSE(event.text().empty());
      } else if (event.kind() == CACHECHAIN_EVENT_LOG) {
        line = true;
        EXPECT_GE(event.status(), CACHECHAIN_LOG_WARN);
        EXPECT_NE(event.text().find("L2"), std::string_view::npos);
      }
    }
  }
}

}  // namespace
}  // namespace cachechain::client
