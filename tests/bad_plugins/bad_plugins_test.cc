// Every bad plugin is met with its own words, and the process lives on. The plugins are copied into a folder of the
// test's own, which is trusted whoever owns the build tree.
#include <elf.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/sha256.h"
#include "plugin/layers_service.h"
#include "plugin/open_layer.h"
#include "plugin/registry.h"
#include "plugin/report.h"

namespace cachechain {
namespace {

namespace fs = std::filesystem;

class Lines final : public Logger {
 public:
  bool enabled(int32_t level) const override { return level >= CACHECHAIN_LOG_WARN; }
  void log(int32_t, std::string_view text) override { lines.emplace_back(text); }
  std::vector<std::string> lines;
};

class BadPlugins : public testing::Test {
 protected:
  BadPlugins() {
    char name[] = "/tmp/cachechain-bad-XXXXXX";
    folder_ = mkdtemp(name);
  }
  ~BadPlugins() override { fs::remove_all(folder_); }

  // A fresh copy, so that each test meets a file that was never loaded.
  std::string copy(const std::string &name) {
    const std::string target = folder_ + "/" + name + ".so";
    fs::copy_file(std::string(CACHECHAIN_BAD_PLUGINS) + "/" + name + ".so", target,
                  fs::copy_options::overwrite_existing);
    fs::permissions(target, fs::perms(0644));
    return target;
  }

  Result<const LoadedPlugin *> load(const std::string &wanted, std::string_view sha256 = {}) {
    return Registry::instance().load(wanted, {folder_}, sha256, *log_);
  }

  // What is said of `file`, with the file itself cut off.
  std::string refusal_of(const std::string &wanted) {
    const Result<const LoadedPlugin *> loaded = load(wanted);
    if (loaded.ok()) return "loaded";
    EXPECT_EQ(loaded.status().code(), CACHECHAIN_PLUGIN_REFUSED);
    std::string text(loaded.status().message());
    for (size_t at; (at = text.find(folder_)) != text.npos;) text.replace(at, folder_.size(), "DIR");
    return text;
  }

  Result<OpenedLayer> open(const std::string &name) {
    copy(name);
    const Result<const LoadedPlugin *> loaded = load(name);
    if (!loaded.ok()) return loaded.status();
    LayerOpening opening;
    opening.name = "L1";
    opening.chain = "test";
    opening.log = log_;
    return open_layer(*loaded.value(), opening);
  }

  std::string open_refusal_of(const std::string &name) {
    const Result<OpenedLayer> opened = open(name);
    if (opened.ok()) return "opened";
    EXPECT_EQ(opened.status().code(), CACHECHAIN_PLUGIN_REFUSED);
    EXPECT_EQ(opened.status().layer(), "L1");
    std::string text(opened.status().message());
    for (size_t at; (at = text.find(folder_)) != text.npos;) text.replace(at, folder_.size(), "DIR");
    return text;
  }

  std::unique_ptr<Layer> layer_of(const std::string &name) {
    Result<OpenedLayer> opened = open(name);
    EXPECT_TRUE(opened.ok()) << opened.status().message();
    return opened.ok() ? std::move(opened->layer) : nullptr;
  }

  int32_t get(Layer &layer, uint64_t cap = 16) {
    report_ = {};
    uint8_t buffer[16];
    return layer.get(call(), key_, std::span(buffer, cap), value_);
  }
  int32_t put(Layer &layer) {
    report_ = {};
    cachechain_put put{};
    put.key = &key_;
    put.version = 101;
    put.condition = CACHECHAIN_PUT_NEWER;
    return layer.put(call(), put, result_);
  }
  cachechain_call call() { return {sizeof(cachechain_call), 0, 0, 0, nullptr, &report_, nullptr, nullptr, 0}; }
  std::string said() const { return std::string(report_text(report_)); }

  std::string folder_;
  std::shared_ptr<Lines> log_ = std::make_shared<Lines>();
  cachechain_report report_{};
  cachechain_value value_{};
  cachechain_put_result result_{};
  cachechain_space space_{};
  cachechain_key key_ = {reinterpret_cast<const uint8_t *>("key"), 3, 7, &space_};
};

TEST_F(BadPlugins, TheGoodOneWorks) {
  const std::unique_ptr<Layer> layer = layer_of("good");
  ASSERT_NE(layer, nullptr);
  EXPECT_EQ(get(*layer), CACHECHAIN_OK);
  EXPECT_EQ(value_.size, 4u);
  EXPECT_EQ(put(*layer), CACHECHAIN_OK);
  EXPECT_EQ(result_.version, 101u);
  EXPECT_TRUE(layer->close(call()).ok());
}

// ---- Refused without being mapped ----

TEST_F(BadPlugins, Paths) {
  EXPECT_EQ(refusal_of("./good.so"),
            "./good.so: the path is relative, so what it names depends on the working directory; give the absolute "
            "path, or the plugin's name");
  EXPECT_EQ(refusal_of(folder_ + "/absent.so"),
            "DIR/absent.so: No such file or directory; give the file of a plugin that this process may read");
  EXPECT_EQ(refusal_of(folder_), "DIR: a folder, expected a shared library; give the .so itself");
  EXPECT_EQ(refusal_of("/dev/null"), "/dev/null: a device, expected a shared library; give the .so itself");
  ASSERT_EQ(mkfifo((folder_ + "/pipe.so").c_str(), 0600), 0);
  EXPECT_EQ(refusal_of("pipe"), "DIR/pipe.so: a pipe, expected a shared library; give the .so itself");
}

TEST_F(BadPlugins, Files) {
  const auto write = [&](const char *name, std::string_view bytes) {
    std::ofstream(folder_ + "/" + name + ".so", std::ios::binary) << bytes;
  };
  write("empty", "");
  EXPECT_EQ(refusal_of("empty"),
            "DIR/empty.so: the file is empty, expected a shared library; install the plugin again");
  write("text", "INPUT(libother.so)\n");
  EXPECT_EQ(refusal_of("text"),
            "DIR/text.so: not a shared library: it does not begin with the ELF mark; give the .so itself, not a script "
            "or a text that stands for it");

  std::ifstream in(copy("good"), std::ios::binary);
  const std::string whole((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  for (size_t size : {size_t{20}, sizeof(Elf64_Ehdr), size_t{200}, whole.size() / 2, whole.size() - 1}) {
    write("cut", std::string_view(whole).substr(0, size));
    EXPECT_EQ(refusal_of("cut"),
              "DIR/cut.so: the file is cut short at " + std::to_string(size) + " bytes; install the plugin again");
  }
  Elf64_Ehdr header;
  std::memcpy(&header, whole.data(), sizeof header);
  const auto patched = [&](auto change) {
    Elf64_Ehdr changed = header;
    change(changed);
    std::string bytes = whole;
    std::memcpy(bytes.data(), &changed, sizeof changed);
    write("patched", bytes);
    return refusal_of("patched");
  };
  EXPECT_EQ(patched([](Elf64_Ehdr &h) { h.e_ident[EI_CLASS] = ELFCLASS32; }),
            "DIR/patched.so: a 32-bit library, expected a 64-bit one; install the build for this machine");
  EXPECT_EQ(patched([](Elf64_Ehdr &h) { h.e_ident[EI_DATA] = ELFDATA2MSB; }),
            "DIR/patched.so: a big-endian library, expected a little-endian one; install the build for this machine");
  const std::string here = header.e_machine == EM_X86_64 ? "x86-64" : "AArch64";
  EXPECT_EQ(patched([](Elf64_Ehdr &h) { h.e_machine = EM_RISCV; }),
            "DIR/patched.so: built for RISC-V, expected " + here + "; install the build for this machine");
  EXPECT_EQ(patched([](Elf64_Ehdr &h) { h.e_type = ET_REL; }),
            "DIR/patched.so: an object or a program, expected a shared library; link it with -shared");
}

TEST_F(BadPlugins, AnUntrustedFileIsNotEvenConstructed) {
  const std::string file = copy("constructor");
  unsetenv("CACHECHAIN_TEST_CONSTRUCTED");
  ASSERT_EQ(chmod(file.c_str(), 0666), 0);
  EXPECT_EQ(refusal_of("constructor"),
            "DIR/constructor.so: the file is writable by everyone (mode 0666); run: chmod "
            "o-w DIR/constructor.so");
  EXPECT_EQ(getenv("CACHECHAIN_TEST_CONSTRUCTED"), nullptr);

  ASSERT_EQ(chmod(file.c_str(), 0644), 0);
  EXPECT_FALSE(load(file, std::string(64, '0')).ok());
  EXPECT_EQ(getenv("CACHECHAIN_TEST_CONSTRUCTED"), nullptr);

  EXPECT_EQ(refusal_of("constructor"), "loaded");
  EXPECT_NE(getenv("CACHECHAIN_TEST_CONSTRUCTED"), nullptr);
}

TEST_F(BadPlugins, PinnedSum) {
  const std::string file = copy("good");
  std::ifstream in(file, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  Sha256 sha;
  sha.update({reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size()});
  std::string sum = hex(sha.finish());
  const std::string wrong(64, '0');

  Result<const LoadedPlugin *> loaded = load(file, wrong);
  ASSERT_FALSE(loaded.ok());
  EXPECT_EQ(loaded.status().message(), file + ": its SHA-256 is " + sum + ", expected " + wrong +
                                           " as the configuration pins it; if the file was replaced on purpose, pin "
                                           "the new sum; else install the right file");
  for (char &c : sum) c = static_cast<char>(toupper(c));
  EXPECT_TRUE(load(file, sum).ok());
  // Now that it is loaded, a pin still holds.
  EXPECT_FALSE(load(file, wrong).ok());
  EXPECT_TRUE(load(file).ok());
}

TEST_F(BadPlugins, ALinkIsJudgedByWhatItLeadsTo) {
  const std::string file = copy("good");
  fs::create_symlink(file, folder_ + "/cachechain_linked.so");
  EXPECT_EQ(refusal_of("linked"),
            "DIR/good.so: it calls itself \"good\", expected \"linked\" as the file is called; "
            "name the file good.so, or write \"plugin\": \"DIR/good.so\"");
  const Result<const LoadedPlugin *> loaded = load(folder_ + "/cachechain_linked.so");
  ASSERT_TRUE(loaded.ok()) << loaded.status().message();
  EXPECT_EQ(loaded.value()->file, fs::canonical(file));
}

// ---- Refused by the linker or by what it found ----

TEST_F(BadPlugins, UndefinedSymbol) {
  copy("undefined_symbol");
  EXPECT_EQ(refusal_of("undefined_symbol"),
            "DIR/undefined_symbol.so: undefined symbol: cachechain_nobody_has_this; link the plugin with the library "
            "that defines the symbol; -Wl,-z,defs finds this when it is built");
}

// One test for both, because the linker remembers the library once it has it.
TEST_F(BadPlugins, LibraryThatIsMissingOrBringsItsOwnEntry) {
  copy("borrowed_entry");
  EXPECT_EQ(refusal_of("borrowed_entry"),
            "DIR/borrowed_entry.so: lender.so: cannot open shared object file: No such file or directory; install the "
            "library that it needs; `ldd` on the file lists them");
  copy("lender");
  EXPECT_EQ(refusal_of("borrowed_entry"),
            "DIR/borrowed_entry.so: its cachechain_plugin_entry_v1 is that of DIR/lender.so; name that file, or export "
            "an entry function of its own");
}

TEST_F(BadPlugins, ReplacedSinceItWasLoaded) {
  const std::string file = copy("no_entry");
  EXPECT_NE(refusal_of("no_entry"), "loaded");
  fs::copy_file(file, folder_ + "/fresh");
  fs::rename(folder_ + "/fresh", file);
  EXPECT_EQ(refusal_of("no_entry"),
            "DIR/no_entry.so: the file was replaced after this process had loaded it; restart the process");
}

TEST_F(BadPlugins, UpgradedWhileInUse) {
  const std::string file = copy("good");
  const Result<const LoadedPlugin *> before = load("good");
  ASSERT_TRUE(before.ok());
  fs::copy_file(file, folder_ + "/fresh");
  fs::rename(folder_ + "/fresh", file);
  for (int i = 0; i < 2; ++i) {
    const Result<const LoadedPlugin *> after = load("good");
    ASSERT_TRUE(after.ok());
    EXPECT_EQ(before.value(), after.value());
  }
  ASSERT_EQ(log_->lines.size(), 1u);
  EXPECT_EQ(log_->lines[0], file +
                                ": changed on disk since it was loaded; what was loaded is used until the process "
                                "restarts");
  EXPECT_FALSE(load("good", std::string(64, '0')).ok());
}

TEST_F(BadPlugins, RefusedByNegotiation) {
  const struct {
    const char *name;
    const char *text;
  } kCases[] = {
      {"no_entry",
       "exports no cachechain_plugin_entry_v1, so it is no plugin of Cache-Chain; export that function, with extern "
       "\"C\" and default visibility"},
      {"other_major",
       "exports cachechain_plugin_entry_v2, expected cachechain_plugin_entry_v1; it is made for ABI 2: install the "
       "build for ABI 1 or a newer Cache-Chain"},
      {"null_descriptor", "its entry function returned NULL, expected a descriptor; ask who wrote the plugin"},
      {"size_zero",
       "the struct_size of its descriptor is 0, expected a multiple of 8 from 56 to 4096; rebuild the plugin against "
       "cachechain/plugin.h, with struct_size = sizeof"},
      {"size_huge",
       "the struct_size of its descriptor is 2779096488, expected a multiple of 8 from 56 to 4096; rebuild the plugin "
       "against cachechain/plugin.h, with struct_size = sizeof"},
      {"size_odd",
       "the struct_size of its descriptor is 59, expected a multiple of 8 from 56 to 4096; rebuild the plugin against "
       "cachechain/plugin.h, with struct_size = sizeof"},
      {"short_layer",
       "the struct_size of its layer table is 40, expected a multiple of 8 from 56 to 4096; rebuild the plugin against "
       "cachechain/plugin.h, with struct_size = sizeof"},
      {"no_open", "its layer table has no open; a layer must have open, close, get or get_many, and put or put_many"},
      {"no_close", "its layer table has no close; a layer must have open, close, get or get_many, and put or put_many"},
      {"no_get",
       "its layer table has neither get nor get_many; a layer must have open, close, get or get_many, and put or "
       "put_many"},
      {"no_put",
       "its layer table has neither put nor put_many; a layer must have open, close, get or get_many, and put or "
       "put_many"},
      {"neither", "it is neither a layer nor an exporter; set `layer` or `exporter` of the descriptor"},
      {"half_exporter", "its exporter table has no close; an exporter must have open and close"},
      {"newer_host",
       "it needs plugin ABI 1.7, and this is 1.0; install a newer Cache-Chain or an older build of the plugin"},
      {"bad_name", "it calls itself \"Bad Name!\", expected [a-z0-9_-]{1,32}; give it such a name"},
      {"other_name",
       "it calls itself \"quite_other\", expected \"other_name\" as the file is called; name the file quite_other.so, "
       "or write \"plugin\": \"DIR/other_name.so\""},
      {"no_version", "its descriptor has no version; set `version`, such as \"1.0.0\""},
      {"throws_in_entry", "its entry function threw std::runtime_error: no licence; ask who wrote the plugin"},
  };
  for (const auto &bad : kCases) {
    copy(bad.name);
    const std::string expected = std::string("DIR/") + bad.name + ".so: " + bad.text;
    EXPECT_EQ(refusal_of(bad.name), expected);
    EXPECT_EQ(refusal_of(bad.name), expected) << "the second time";
  }
  copy("good");
  EXPECT_EQ(refusal_of("good"), "loaded") << "after all the others";
}

TEST_F(BadPlugins, ListTellsOfEachFile) {
  for (const char *name : {"good", "no_get", "newer_host"}) copy(name);
  const std::vector<PluginListing> listed = Registry::instance().list({folder_, "relative"}, *log_);
  ASSERT_EQ(listed.size(), 3u);
  EXPECT_EQ(listed[0].file, folder_ + "/good.so");
  ASSERT_NE(listed[0].plugin, nullptr);
  EXPECT_EQ(listed[0].plugin->name, "good");
  EXPECT_TRUE(listed[0].status.ok());
  EXPECT_EQ(listed[1].file, folder_ + "/newer_host.so");
  EXPECT_EQ(listed[1].plugin, nullptr);
  EXPECT_EQ(listed[1].status.code(), CACHECHAIN_PLUGIN_REFUSED);
  EXPECT_EQ(listed[2].plugin, nullptr);
  EXPECT_EQ(log_->lines.back(), "relative: a relative folder is not searched for plugins; give its absolute path");
}

// The registry of a fork's child asks again.
TEST_F(BadPlugins, EntryIsCalledTwice) {
  copy("good");
  Result<const LoadedPlugin *> first = load("good");
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first.value()->description, "entered 1 times");
  EXPECT_EQ(load("good").value(), first.value());
  registry_after_fork_child();
  Result<const LoadedPlugin *> second = load("good");
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second.value()->description, "entered 2 times");
  EXPECT_EQ(first.value()->layer.get, second.value()->layer.get);
}

TEST_F(BadPlugins, StaysMapped) {
  const std::string file = copy("no_put");
  EXPECT_NE(refusal_of("no_put"), "loaded");
  std::ifstream maps("/proc/self/maps");
  const std::string text((std::istreambuf_iterator<char>(maps)), std::istreambuf_iterator<char>());
  EXPECT_NE(text.find(file), text.npos);
}

TEST_F(BadPlugins, ManyThreadsLoadOnce) {
  copy("good");
  std::vector<const LoadedPlugin *> loaded(8);
  std::vector<std::thread> threads;
  for (const LoadedPlugin *&one : loaded) {
    threads.emplace_back([&] {
      Result<const LoadedPlugin *> result = load("good");
      one = result.ok() ? result.value() : nullptr;
    });
  }
  for (std::thread &thread : threads) thread.join();
  for (const LoadedPlugin *one : loaded) EXPECT_EQ(one, loaded[0]);
  ASSERT_NE(loaded[0], nullptr);
  EXPECT_EQ(loaded[0]->description, "entered 1 times");
}

// ---- Refused by what open says ----

TEST_F(BadPlugins, RefusedAtOpen) {
  const struct {
    const char *name;
    const char *text;
  } kCases[] = {
      {"cap_without_slot", "open declared CAP_SWEEP, but its table has no sweep"},
      {"watch_without_notify", "open declared CAP_NOTIFY, but its table has not both notify and watch"},
      {"inline_alone", "open declared CAP_INLINE, which needs CAP_CONCURRENT, CAP_BUMP, CAP_NEWER and CAP_KINDS"},
      {"bytes_and_kinds", "open declared CAP_BYTES and CAP_KINDS, expected one of them"},
      {"no_store", "open declared none of CAP_BYTES, CAP_KINDS and CAP_PLAIN, expected one of them"},
      {"plain_and_newer", "open declared CAP_PLAIN, which excludes CAP_NEWER and CAP_SWEEP"},
      {"null_instance", "open answered OK without an instance"},
      {"odd_open", "open answered status 3, expected OK, DEGRADED or a failure"},
      {"throws_in_open", "open threw std::logic_error: cannot open"},
  };
  for (const auto &bad : kCases) {
    EXPECT_EQ(open_refusal_of(bad.name), std::string("test/L1 ") + bad.name + ": " + bad.text +
                                             "; this is a fault of DIR/" + bad.name + ".so: ask who wrote it");
  }
}

// ---- Faults of an open layer ----

TEST_F(BadPlugins, Get) {
  const struct {
    const char *name;
    const char *text;
  } kCases[] = {
      {"odd_status", "get answered status 9999, expected OK, MISS or a failure"},
      {"null_value", "get answered OK with a value that cannot be: no data, size 5, room for 16, kind 0"},
      {"overlong_copy", "get answered OK with a value that cannot be: copied, size 17, room for 16, kind 0"},
      {"throws_in_get", "get threw std::out_of_range: no such shard"},
      {"throws_foreign", "get threw (anonymous namespace)::Surprise"},
  };
  for (const auto &bad : kCases) {
    const std::unique_ptr<Layer> layer = layer_of(bad.name);
    ASSERT_NE(layer, nullptr);
    for (int fault = 1; fault <= 3; ++fault) {
      value_.size = 99;
      EXPECT_EQ(get(*layer), CACHECHAIN_PLUGIN_FAULT);
      EXPECT_EQ(said(), std::string(bad.text) + " (fault " + std::to_string(fault) + " of 3)");
      EXPECT_EQ(value_.size, 0u);
      EXPECT_EQ(value_.data, nullptr);
      EXPECT_EQ(value_.release, nullptr);
    }
    EXPECT_EQ(log_->lines.back(), std::string("test/L1 ") + bad.name + ": " + bad.text +
                                      " (fault 3 of 3); it is quarantined and not asked any more");
    EXPECT_EQ(put(*layer), CACHECHAIN_PLUGIN_FAULT) << "quarantined";
    EXPECT_EQ(said(), "quarantined after 3 answers that break the plugin's contract; ask who wrote it");
    EXPECT_EQ(layer->stats(), R"({"plugin_faults":3,"quarantined":true})");
    EXPECT_TRUE(layer->close(call()).ok());
  }
}

TEST_F(BadPlugins, AViewThatIsNoneIsReleased) {
  const std::unique_ptr<Layer> layer = layer_of("null_value");
  ASSERT_NE(layer, nullptr);
  EXPECT_EQ(get(*layer, 0), CACHECHAIN_PLUGIN_FAULT);
  EXPECT_EQ(layer->stats(), R"({"plugin_faults":1,"quarantined":false,"released":1})");
}

// What is no copy is looked at as a view, and this one is fine.
TEST_F(BadPlugins, OverlongCopyIsSoundAsAView) {
  const std::unique_ptr<Layer> layer = layer_of("overlong_copy");
  ASSERT_NE(layer, nullptr);
  EXPECT_EQ(get(*layer, 0), CACHECHAIN_OK);
  EXPECT_EQ(value_.size, 4u);
}

TEST_F(BadPlugins, Put) {
  const struct {
    const char *name;
    const char *text;
  } kCases[] = {
      {"two_statuses", "put answered status 5 and wrote 0 into result->status, expected the same in both"},
      {"old_version", "put answered OK with a version that it was not given to store: put 101, result->version 99"},
      {"throws_in_get", "put threw std::runtime_error: disk on fire"},
  };
  for (const auto &bad : kCases) {
    const std::unique_ptr<Layer> layer = layer_of(bad.name);
    ASSERT_NE(layer, nullptr);
    EXPECT_EQ(put(*layer), CACHECHAIN_PLUGIN_FAULT);
    EXPECT_EQ(said(), std::string(bad.text) + " (fault 1 of 3)");
    EXPECT_EQ(result_.status, CACHECHAIN_PLUGIN_FAULT);
    EXPECT_EQ(result_.version, 0u);
  }
}

// ---- Batches ----

// The same key and put `kBatch` times.
constexpr size_t kBatch = 4;

struct Gets {
  explicit Gets(const cachechain_key &key) : keys(kBatch, key) {}
  int32_t ask(Layer &layer, const cachechain_call &call) { return layer.get_many(call, keys, values, statuses); }
  std::vector<cachechain_key> keys;
  std::vector<cachechain_value> values = std::vector<cachechain_value>(kBatch);
  std::vector<int32_t> statuses = std::vector<int32_t>(kBatch);
};

struct Puts {
  explicit Puts(const cachechain_key &key) : puts(kBatch) {
    for (cachechain_put &put : puts) put = {.key = &key, .version = 101, .condition = CACHECHAIN_PUT_NEWER};
  }
  int32_t ask(Layer &layer, const cachechain_call &call) {
    const int32_t whole = layer.put_many(call, puts, results);
    for (size_t i = 0; i < kBatch; ++i) statuses[i] = results[i].status;
    return whole;
  }
  std::vector<cachechain_put> puts;
  std::vector<cachechain_put_result> results = std::vector<cachechain_put_result>(kBatch);
  std::vector<int32_t> statuses = std::vector<int32_t>(kBatch);
};

using Statuses = std::vector<int32_t>;
const Statuses kAllFaults(kBatch, CACHECHAIN_PLUGIN_FAULT);

TEST_F(BadPlugins, BatchesOfAPluginWithoutThem) {
  const std::unique_ptr<Layer> layer = layer_of("good");
  ASSERT_NE(layer, nullptr);
  Gets gets(key_);
  std::string longer(CACHECHAIN_MAX_KEY_SIZE + 1, 'k');
  gets.keys[1].data = reinterpret_cast<const uint8_t *>(longer.data());
  gets.keys[1].size = longer.size();
  EXPECT_EQ(gets.ask(*layer, call()), CACHECHAIN_PARTIAL);
  EXPECT_EQ(gets.statuses, (Statuses{CACHECHAIN_OK, CACHECHAIN_KEY_TOO_LONG, CACHECHAIN_OK, CACHECHAIN_OK}));
  EXPECT_EQ(gets.values[3].size, 4u);
  Puts puts(key_);
  puts.puts[3].key = &gets.keys[1];
  EXPECT_EQ(puts.ask(*layer, call()), CACHECHAIN_PARTIAL);
  EXPECT_EQ(puts.statuses, (Statuses{CACHECHAIN_OK, CACHECHAIN_OK, CACHECHAIN_OK, CACHECHAIN_KEY_TOO_LONG}));
  EXPECT_EQ(puts.results[2].version, 101u);
  EXPECT_EQ(layer->stats(), "{}");
}

TEST_F(BadPlugins, OnlyTheItemsThatBreakTheContractAreFaults) {
  const std::unique_ptr<Layer> layer = layer_of("odd_batch");
  ASSERT_NE(layer, nullptr);
  Gets gets(key_);
  EXPECT_EQ(gets.ask(*layer, call()), CACHECHAIN_PARTIAL);
  EXPECT_EQ(gets.statuses,
            (Statuses{CACHECHAIN_OK, CACHECHAIN_PLUGIN_FAULT, CACHECHAIN_PLUGIN_FAULT, CACHECHAIN_PLUGIN_FAULT}));
  EXPECT_EQ(said(), "get_many answered status -2147483648, expected OK, MISS or a failure (fault 1 of 3)");
  EXPECT_EQ(gets.values[1].release, nullptr);
  EXPECT_EQ(layer->stats(), R"({"plugin_faults":1,"quarantined":false,"released":1})") << "the view that is none";
  ASSERT_NE(gets.values[0].release, nullptr) << "a neighbour's breach costs a sound value nothing";
  gets.values[0].release(gets.values[0].owner);

  Puts puts(key_);
  EXPECT_EQ(puts.ask(*layer, call()), CACHECHAIN_PARTIAL);
  EXPECT_EQ(puts.statuses, (Statuses{CACHECHAIN_OK, CACHECHAIN_PLUGIN_FAULT, CACHECHAIN_OK, CACHECHAIN_OK}));
  EXPECT_EQ(puts.results[1].version, 0u);
  EXPECT_EQ(said(),
            "put_many answered OK with a version that it was not given to store: put 101, result->version 99 (fault 2 "
            "of 3)");
  EXPECT_EQ(puts.ask(*layer, call()), CACHECHAIN_PARTIAL);
  EXPECT_EQ(puts.ask(*layer, call()), CACHECHAIN_PLUGIN_FAULT) << "quarantined";
  EXPECT_EQ(puts.statuses, kAllFaults);
  EXPECT_EQ(gets.ask(*layer, call()), CACHECHAIN_PLUGIN_FAULT);
  EXPECT_EQ(gets.statuses, kAllFaults);
  EXPECT_EQ(gets.values[0].data, nullptr);
}

TEST_F(BadPlugins, AKeyThatIsNotAskedPartsTheBatch) {
  const std::unique_ptr<Layer> layer = layer_of("odd_batch");
  ASSERT_NE(layer, nullptr);
  Gets gets(key_);
  std::string longer(CACHECHAIN_MAX_KEY_SIZE + 1, 'k');
  gets.keys[1].data = reinterpret_cast<const uint8_t *>(longer.data());
  gets.keys[1].size = longer.size();
  gets.keys.resize(3);
  gets.values.resize(3);
  gets.statuses.resize(3);
  // Each run begins with a sound answer.
  EXPECT_EQ(gets.ask(*layer, call()), CACHECHAIN_PARTIAL);
  EXPECT_EQ(gets.statuses, (Statuses{CACHECHAIN_OK, CACHECHAIN_KEY_TOO_LONG, CACHECHAIN_OK}));
  for (const size_t i : {0, 2}) gets.values[i].release(gets.values[i].owner);
  EXPECT_EQ(layer->stats(), R"({"released":2})");
}

TEST_F(BadPlugins, OddStatusOfAWholeBatch) {
  const std::unique_ptr<Layer> layer = layer_of("odd_whole");
  ASSERT_NE(layer, nullptr);
  Gets gets(key_);
  EXPECT_EQ(gets.ask(*layer, call()), CACHECHAIN_PLUGIN_FAULT);
  EXPECT_EQ(gets.statuses, kAllFaults);
  EXPECT_EQ(gets.values[0].data, nullptr);
  EXPECT_EQ(said(), "get_many answered status 1, expected OK, PARTIAL or a failure (fault 1 of 3)");
  Puts puts(key_);
  EXPECT_EQ(puts.ask(*layer, call()), CACHECHAIN_OK) << "some may have been stored, so it is no failure of the whole";
  EXPECT_EQ(puts.statuses, Statuses(kBatch, CACHECHAIN_UNKNOWN_OUTCOME));
}

TEST_F(BadPlugins, ABatchThatThrowsLeaksNothing) {
  const std::unique_ptr<Layer> layer = layer_of("throws_in_get_many");
  ASSERT_NE(layer, nullptr);
  Gets gets(key_);
  EXPECT_EQ(gets.ask(*layer, call()), CACHECHAIN_PLUGIN_FAULT);
  EXPECT_EQ(gets.statuses, kAllFaults);
  EXPECT_EQ(gets.values[0].release, nullptr);
  EXPECT_EQ(said(), "get_many threw std::out_of_range: no such shard (fault 1 of 3)");
  EXPECT_EQ(layer->stats(), R"({"plugin_faults":1,"quarantined":false,"released":1})");
  Puts puts(key_);
  EXPECT_EQ(puts.ask(*layer, call()), CACHECHAIN_PLUGIN_FAULT);
  EXPECT_EQ(puts.statuses, kAllFaults);
  EXPECT_EQ(said(), "put_many threw std::runtime_error: disk on fire (fault 2 of 3)");
}

// The table of the service throws what the plugin throws, with nothing in its hands.
TEST_F(BadPlugins, AMadeUpBatchThatThrowsLeaksNothing) {
  copy("throws_in_second_get");
  const auto *service = static_cast<const cachechain_layers_service *>(core_service(CACHECHAIN_SERVICE_LAYERS));
  cachechain_layer_config config{};
  config.struct_size = sizeof config;
  cachechain_layer_info info{};
  info.struct_size = sizeof info;
  const cachechain_layer_api *api = nullptr;
  void *instance = nullptr;
  ASSERT_EQ(
      service->open(service->self, "throws_in_second_get", folder_.c_str(), &config, &api, &instance, &info, &report_),
      CACHECHAIN_OK);
  Gets gets(key_);
  const cachechain_call call = this->call();
  EXPECT_THROW(api->get_many(instance, &call, gets.keys.data(), kBatch, gets.values.data(), gets.statuses.data()),
               std::out_of_range);
  uint8_t stats[64];
  uint64_t needed = 0;
  ASSERT_EQ(api->stats(instance, stats, sizeof stats, &needed), CACHECHAIN_OK);
  EXPECT_EQ(std::string(stats, stats + needed), R"({"released": 1})");
  EXPECT_EQ(service->close(service->self, api, instance, &call), CACHECHAIN_OK);
}

// Without get_many of its own only the key at which it throws is lost.
TEST_F(BadPlugins, ABatchOfGetsGoesOnBehindOneThatThrows) {
  const std::unique_ptr<Layer> layer = layer_of("throws_in_second_get");
  ASSERT_NE(layer, nullptr);
  Gets gets(key_);
  EXPECT_EQ(gets.ask(*layer, call()), CACHECHAIN_PARTIAL);
  EXPECT_EQ(gets.statuses, (Statuses{CACHECHAIN_OK, CACHECHAIN_PLUGIN_FAULT, CACHECHAIN_OK, CACHECHAIN_OK}));
  EXPECT_EQ(said(), "get threw std::out_of_range: no such shard (fault 1 of 3)");
  for (const size_t i : {0, 2, 3}) gets.values[i].release(gets.values[i].owner);
  EXPECT_EQ(layer->stats(), R"({"plugin_faults":1,"quarantined":false,"released":3})");
}

TEST_F(BadPlugins, Stats) {
  const std::unique_ptr<Layer> layer = layer_of("no_json");
  ASSERT_NE(layer, nullptr);
  EXPECT_EQ(layer->stats(), R"({"plugin_faults":1,"quarantined":false})");
  EXPECT_EQ(log_->lines.back(), "test/L1 no_json: stats answered OK with what is no JSON object (fault 1 of 3)");
}

TEST_F(BadPlugins, Close) {
  const std::unique_ptr<Layer> layer = layer_of("throws_in_close");
  ASSERT_NE(layer, nullptr);
  const Status closed = layer->close(call());
  EXPECT_EQ(closed.code(), CACHECHAIN_PLUGIN_FAULT);
  EXPECT_EQ(closed.message(), "test/L1 throws_in_close: close threw std::runtime_error: will not close");
}

// ---- The service "cachechain.layers/1" ----

TEST_F(BadPlugins, LayersService) {
  copy("good");
  copy("null_instance");
  const auto *service = static_cast<const cachechain_layers_service *>(core_service(CACHECHAIN_SERVICE_LAYERS));
  ASSERT_NE(service, nullptr);
  EXPECT_EQ(core_service("cachechain.layers/2"), nullptr);
  cachechain_layer_config config{};
  config.struct_size = sizeof config;
  cachechain_layer_info info{};
  info.struct_size = sizeof info;
  const cachechain_layer_api *api = nullptr;
  void *instance = nullptr;
  cachechain_report report{};
  ASSERT_EQ(service->open(service->self, "good", folder_.c_str(), &config, &api, &instance, &info, &report),
            CACHECHAIN_OK)
      << report_text(report);
  EXPECT_NE(info.caps & CACHECHAIN_CAP_KINDS, 0u);

  // Every slot may be called: the batches are made of the single ones, what is not there answers so.
  const cachechain_call call = this->call();
  const cachechain_key keys[] = {key_, key_};
  cachechain_value values[2];
  int32_t statuses[2];
  EXPECT_EQ(api->get_many(instance, &call, keys, 2, values, statuses), CACHECHAIN_OK);
  EXPECT_EQ(statuses[1], CACHECHAIN_OK);
  EXPECT_EQ(values[1].size, 4u);
  EXPECT_EQ(api->ping(instance, &call), CACHECHAIN_UNSUPPORTED);
  uint64_t needed = 7;
  EXPECT_EQ(api->stats(instance, nullptr, 0, &needed), CACHECHAIN_UNSUPPORTED);
  EXPECT_EQ(needed, 0u);
  api->thread_exit(instance, 1);
  EXPECT_EQ(service->close(service->self, api, instance, &call), CACHECHAIN_OK);

  EXPECT_EQ(service->open(service->self, "null_instance", folder_.c_str(), &config, &api, &instance, &info, &report),
            CACHECHAIN_PLUGIN_REFUSED);
  EXPECT_EQ(api, nullptr);
  EXPECT_NE(report_text(report).find("open answered OK without an instance"), std::string_view::npos);
  EXPECT_EQ(service->open(service->self, nullptr, nullptr, &config, &api, &instance, &info, nullptr),
            CACHECHAIN_INVALID_ARGUMENT);
}

}  // namespace
}  // namespace cachechain
