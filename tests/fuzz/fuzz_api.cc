// A byte code of calls of the C API, in any order, with wild arguments, over real chains of memory layers. Whatever is
// called: nothing crashes, the contract at the top of cachechain.h holds for every answer, and a get gives what a
// simple model of the chain allows: the value that was set or loaded last, or a miss, and no miss where nothing can
// have been dropped. Leases are kept, and ended in any order, twice, in other chains and with garbage.
#include "fuzz/api_async.h"

namespace cachechain::api_fuzz {
namespace {

class Machine : private Async {
 public:
  Machine(const uint8_t *data, size_t size) : Async(data, size) {}
  ~Machine() {
    if (input_.coin()) free_queue();
    for (Chain &chain : chains_) cachechain_chain_free(chain.handle);
    free_queue();
    for (cachechain_cancel *token : tokens_) cachechain_cancel_free(token);
    while (!held_.empty()) release();
  }

  void run() {
    // Enough for every order of calls that matters, and an end to a file that is only long.
    for (int steps = 0; steps < 400 && !input_.empty(); ++steps) step();
  }

 private:
  void step() {
    const size_t which = input_.pick(31);
    const bool may_overlap = which < 3 || which == 13;
    if (!may_overlap) await_all();
    switch (which) {
      case 0:
        return open();
      case 1:
        return close();
      case 2:
        return free();
      case 3:
      case 4:
      case 5:
        return set();
      case 6:
        return erase();
      case 7:
      case 8:
      case 9:
        return get();
      case 10:
        return exists();
      case 11:
        return describe();
      case 12:
        return check_config();
      case 13:
        return async();
      case 14:
        return release();
      case 15:
        return versions();
      case 16:
      case 17:
        return load();
      case 18:
        return fulfil();
      case 19:
        return end_lease();
      case 20:
        return invalidate();
      case 21:
        return touch();
      case 22:
        return reject();
      case 23:
        return load();
      case 24:
      case 25:
        return read_many();
      case 26:
        return fulfil_many();
      case 27:
        return mutate_many(true);
      case 28:
        return mutate_many(false);
      case 29:
        return open_space();
      default:
        return clear();
    }
  }
};

}  // namespace
}  // namespace cachechain::api_fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  cachechain::api_fuzz::Machine(data, size).run();
  return 0;
}
