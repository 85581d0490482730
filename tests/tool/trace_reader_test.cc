// The trace reader: formats, edges of its buffer, and what is wrong with a line.
#include "trace_reader.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <thread>

#include "temp_folder.h"

namespace cachechain::tool {
namespace {

using Format = TraceReader::Format;
using Kind = Operation::Kind;

struct Taken {
  std::string key;
  Operation operation;
};

class TraceReaderTest : public testing::Test {
 protected:
  bool open(const std::string &text, TraceReader::Options options = {}) {
    std::string file = folder_.path() + "/trace";
    std::ofstream(file, std::ios::binary) << text;
    reader_ = std::make_unique<TraceReader>(options);
    return reader_->open(file);
  }
  std::vector<Taken> take_all() {
    std::vector<Taken> taken;
    Block block;
    for (;;) {
      block.clear();
      reader_->fill(block);
      if (block.operations.empty()) return taken;
      for (const Operation &operation : block.operations)
        taken.push_back({std::string(block.key(operation)), operation});
    }
  }
  std::vector<std::string> keys() {
    std::vector<std::string> keys;
    for (const Taken &one : take_all()) keys.push_back(one.key);
    return keys;
  }

  TempFolder folder_;
  std::unique_ptr<TraceReader> reader_;
};

using Keys = std::vector<std::string>;

TEST_F(TraceReaderTest, LinesAreKeys) {
  ASSERT_TRUE(open("17\nuser:42\n\nwith blanks \r\nlast"));
  EXPECT_EQ(keys(), (Keys{"17", "user:42", "with blanks ", "last"}));
  EXPECT_EQ(reader_->format(), Format::kLines);
  EXPECT_EQ(reader_->failure(), "");
  EXPECT_EQ(reader_->share_done(), 1.0);
}

TEST_F(TraceReaderTest, NoLineIsLostAtTheEdgesOfTheBuffer) {
  // Lines of all lengths, three megabytes of them, so that the buffer's end falls on every kind of place.
  std::string text;
  Keys expected;
  for (size_t i = 0; text.size() < (3u << 20); ++i) {
    expected.push_back(std::to_string(i) + std::string(i % 701, 'x'));
    text += expected.back() + "\n";
  }
  ASSERT_TRUE(open(text));
  EXPECT_EQ(keys(), expected);
}

TEST_F(TraceReaderTest, TheLimitEndsIt) {
  TraceReader::Options options;
  options.limit = 2;
  ASSERT_TRUE(open("a\nb\nc\n", options));
  EXPECT_EQ(keys(), (Keys{"a", "b"}));
}

TEST_F(TraceReaderTest, TwitterIsDetectedAndHonoured) {
  ASSERT_TRUE(
      open("0,q:1:abc,7,640,12,get,0\n"
           "1,q:1,2:abc,9,0,12,gets,60\n"
           "1,k,1,30,3,set,3600\n"
           "2,k,1,4000000000,3,cas,99999999999999\n"
           "2,k,1,0,3,delete,0\n"
           "3,k,1,8,3,incr,0\n"));
  EXPECT_EQ(reader_->format(), Format::kTwitter);
  std::vector<Taken> all = take_all();
  ASSERT_EQ(all.size(), 6u) << reader_->failure();
  EXPECT_EQ(all[0].key, "q:1:abc");
  EXPECT_EQ(all[0].operation.kind, Kind::kRequest);
  EXPECT_EQ(all[0].operation.value_size, 640u);
  EXPECT_EQ(all[0].operation.ttl_ms, 0);
  EXPECT_EQ(all[1].key, "q:1,2:abc");
  EXPECT_EQ(all[1].operation.kind, Kind::kRequest);
  EXPECT_EQ(all[1].operation.value_size, 100u);  // the trace tells none
  EXPECT_EQ(all[1].operation.ttl_ms, 60'000);
  EXPECT_EQ(all[2].operation.kind, Kind::kSet);
  EXPECT_EQ(all[2].operation.ttl_ms, 3'600'000);
  EXPECT_EQ(all[3].operation.value_size, 1u << 20);  // cut
  EXPECT_GT(all[3].operation.ttl_ms, 0);
  EXPECT_EQ(all[4].operation.kind, Kind::kDelete);
  EXPECT_EQ(all[5].operation.kind, Kind::kSet);
}

TEST_F(TraceReaderTest, AKeyWithCommasIsNoTwitterLine) {
  ASSERT_TRUE(open("a,b,c,d,e,get,g\n1,2,3,4,5,6,7\n"));
  EXPECT_EQ(reader_->format(), Format::kLines);
  EXPECT_EQ(keys().size(), 2u);
}

TEST_F(TraceReaderTest, AMalformedLineEndsItWithItsNumber) {
  ASSERT_TRUE(open("0,a,1,1,1,get,0\n\n0,b,1,1,1,fetch,0\n0,c,1,1,1,get,0\n"));
  EXPECT_EQ(keys(), (Keys{"a"}));
  EXPECT_NE(reader_->failure().find("line 3: the operation 'fetch'"), std::string::npos) << reader_->failure();
}

TEST_F(TraceReaderTest, MalformedLinesAreSkippedAndCountedIfThatIsWanted) {
  TraceReader::Options options;
  options.skip_malformed = true;
  std::string long_key(1025, 'k');
  ASSERT_TRUE(
      open("0,a,1,1,1,get,0\nrubbish\n0,b,x,1,1,get,0\n0,b,1,x,1,get,0\nx,b,1,1,1,get,0\n0,b,1,1,1,get,x\n0,,0,1,1,get,"
           "0\n0," +
               long_key + ",1,1,1,get,0\n0,c,1,1,1,get,-5\n0,d,1,1,1,get,0",
           options));
  EXPECT_EQ(keys(), (Keys{"a", "d"}));
  EXPECT_EQ(reader_->failure(), "");
  EXPECT_EQ(reader_->skipped(), 8u);
  EXPECT_EQ(reader_->first_skipped().substr(0, 7), "line 2:");
}

TEST_F(TraceReaderTest, KeysThatAreTooLong) {
  ASSERT_TRUE(open("a\n" + std::string(1024, 'k') + "\n" + std::string(1025, 'k') + "\n"));
  EXPECT_EQ(keys().size(), 2u);
  EXPECT_NE(reader_->failure().find("line 3: a key of 1025 bytes; 1024 is the limit"), std::string::npos);
}

TEST_F(TraceReaderTest, ALineLongerThanTheBufferIsNoTrace) {
  EXPECT_FALSE(open(std::string(2 << 20, 'k')));
  EXPECT_NE(reader_->failure().find("line 1: longer than"), std::string::npos) << reader_->failure();
}

TEST_F(TraceReaderTest, FilesThatAreNoTraces) {
  EXPECT_FALSE(open(""));
  EXPECT_NE(reader_->failure().find("empty"), std::string::npos);
  EXPECT_FALSE(open("\n\n"));
  EXPECT_FALSE(open("\x28\xb5\x2f\xfd and so on"));
  EXPECT_NE(reader_->failure().find("zstd -dc"), std::string::npos);
  EXPECT_FALSE(reader_->open(folder_.path()));
  EXPECT_NE(reader_->failure(), "");
  TraceReader missing({});
  EXPECT_FALSE(missing.open(folder_.path() + "/missing"));
  EXPECT_NE(missing.failure().find("missing: "), std::string::npos);
}

TEST_F(TraceReaderTest, AReaderThatWaitsForAPipeCanBeStopped) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  ASSERT_EQ(write(ends[1], "a\nb", 3), 3);
  TraceReader reader({});
  ASSERT_TRUE(reader.open("/proc/self/fd/" + std::to_string(ends[0])));
  Block block;
  std::thread filler([&] { reader.fill(block); });  // takes "a", then waits for the rest of "b"
  reader.stop();
  filler.join();
  EXPECT_LE(block.operations.size(), 1u);
  close(ends[0]);
  close(ends[1]);
}

}  // namespace
}  // namespace cachechain::tool
