// The commands. Each function adds one to the program; when the command line names it, it runs and leaves its exit
// status in `exit`, which must outlive the parsing. A command owns what it opens and has closed it when it is done.
#ifndef CACHECHAIN_TOOL_COMMANDS_H_
#define CACHECHAIN_TOOL_COMMANDS_H_

#include <CLI/CLI.hpp>

namespace cachechain::tool {

void add_plugins(CLI::App &program, int &exit);
void add_check(CLI::App &program, int &exit);
void add_get(CLI::App &program, int &exit);
void add_set(CLI::App &program, int &exit);
void add_delete(CLI::App &program, int &exit);
void add_clear(CLI::App &program, int &exit);
void add_explain(CLI::App &program, int &exit);
void add_stats(CLI::App &program, int &exit);
void add_replay(CLI::App &program, int &exit);
void add_bench(CLI::App &program, int &exit);
void add_conform(CLI::App &program, int &exit);

}  // namespace cachechain::tool

#endif  // CACHECHAIN_TOOL_COMMANDS_H_
