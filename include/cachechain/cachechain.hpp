// cachechain.hpp: the C++ face of cachechain.h. Header-only, C++20, compiled into your binary, so that no C++ type
// crosses the library's boundary. It throws nothing itself; what fails comes back as an Error in a Result.
//
//   auto chain = cachechain::client::Chain::open(json);
//   if (!chain) return complain(chain.error().message());
//   auto user = chain->get_or_load("user:42", [&] { return database.load(42); });
//   if (user && user->hit()) use(user->value.view());
//
// Everything is in `cachechain::client`, because the library itself uses `cachechain` and has a Chain, a Result and a
// Value of its own; a test that links the library's insides may include this header all the same.
//
// Each header below has one idea and can be included alone; each says who owns what and which threads may call.
#ifndef CACHECHAIN_CACHECHAIN_HPP_
#define CACHECHAIN_CACHECHAIN_HPP_

#include "cachechain/client/async.hpp"      // Pump: calls for coroutines
#include "cachechain/client/batch.hpp"      // Batch: the answers to many keys
#include "cachechain/client/cancel.hpp"     // Cancel: ends calls
#include "cachechain/client/chain.hpp"      // Chain: open, get, set, remove ...
#include "cachechain/client/lease.hpp"      // Lease: the right to load a key
#include "cachechain/client/load.hpp"       // get_or_load: what a loader may be
#include "cachechain/client/load_many.hpp"  // the same for many keys
#include "cachechain/client/open.hpp"       // opening, config_check, plugins
#include "cachechain/client/options.hpp"    // time-outs, lives, options
#include "cachechain/client/queue.hpp"      // Queue, Event: calls that others do
#include "cachechain/client/result.hpp"     // Result, Error
#include "cachechain/client/task.hpp"       // Task: a coroutine, for who has no type of his own
#include "cachechain/client/typed.hpp"      // Typed: values of your own types
#include "cachechain/client/value.hpp"      // Bytes, Value, Lookup

#endif  // CACHECHAIN_CACHECHAIN_HPP_
