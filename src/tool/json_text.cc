#include "json_text.h"

#include <algorithm>
#include <vector>

#include "output.h"

namespace cachechain::tool {
namespace {

bool is_flat_list(const Json &value) {
  return value.is_array() && std::all_of(value.begin(), value.end(), [](const Json &v) { return v.is_primitive(); });
}

// Sentences stand on lines of their own, names beside each other.
bool is_prose(const Json &list) {
  return std::any_of(list.begin(), list.end(), [](const Json &v) {
    return v.is_string() && v.get_ref<const std::string &>().find(' ') != std::string::npos;
  });
}

bool fits_a_line(const Json &value) { return value.is_primitive() || (is_flat_list(value) && !is_prose(value)); }

std::string line_text(const Json &value) {
  if (value.is_primitive()) return scalar_text(value);
  std::string list;
  for (const Json &item : value) list += (list.empty() ? "" : ", ") + scalar_text(item);
  return list;
}

std::string below(const std::string &name, const Json &value, size_t indent) {
  return std::string(indent, ' ') + name + ":\n" + json_text(value, indent + 2);
}

// A table whose first column is the rows' names; turned on its side where it would be too wide to read.
class Rows {
 public:
  explicit Rows(const Json &rows) {
    for (const Json &row : rows) names_.push_back(scalar_text(member(row, "name")));
    for (const Json &row : rows) {
      for (const auto &[name, value] : row.items()) {
        bool known = std::any_of(columns_.begin(), columns_.end(), [&](const Column &c) { return c.name == name; });
        if (name == "name" || known || !fits_a_line(value)) continue;
        columns_.push_back({name, value.is_number(), {}});
        for (const Json &other : rows) columns_.back().cells.push_back(cell_text(member(other, name)));
      }
    }
    std::erase_if(columns_, [](const Column &c) {
      return std::all_of(c.cells.begin(), c.cells.end(), [](const std::string &cell) { return cell.empty(); });
    });
    auto first_long = std::stable_partition(columns_.begin(), columns_.end(), [](const Column &c) {
      return std::all_of(c.cells.begin(), c.cells.end(), [](const std::string &s) { return s.size() <= kLongCell; });
    });
    long_.assign(first_long, columns_.end());
    columns_.erase(first_long, columns_.end());
  }

  std::string text(size_t indent) const {
    std::string upright = upright_table().text(indent);
    std::string text = upright.find('\n') <= kReadableWidth ? upright : turned_table().text(indent);
    Table below({{}, {}});
    for (const Column &column : long_) {
      for (size_t i = 0; i < names_.size(); ++i) {
        if (!column.cells[i].empty()) below.add({names_[i] + " " + column.name, column.cells[i]});
      }
    }
    return text + below.text(indent);
  }

 private:
  static constexpr size_t kLongCell = 40;
  static constexpr size_t kReadableWidth = 100;

  struct Column {
    std::string name;
    bool is_number;
    std::vector<std::string> cells;
  };

  static std::string cell_text(const Json &value) { return value.is_null() || value.empty() ? "" : line_text(value); }

  Table upright_table() const {
    std::vector<Table::Column> head{{"name"}};
    for (const Column &c : columns_) head.push_back({c.name, c.is_number ? Table::Align::kRight : Table::Align::kLeft});
    Table table(head);
    for (size_t i = 0; i < names_.size(); ++i) {
      std::vector<std::string> cells{names_[i]};
      for (const Column &column : columns_) cells.push_back(column.cells[i]);
      table.add(cells);
    }
    return table;
  }

  Table turned_table() const {
    std::vector<Table::Column> head{{"name"}};
    for (const std::string &name : names_) head.push_back({name, Table::Align::kRight});
    Table table(head);
    for (const Column &column : columns_) {
      std::vector<std::string> cells{column.name};
      cells.insert(cells.end(), column.cells.begin(), column.cells.end());
      table.add(cells);
    }
    return table;
  }

  std::vector<std::string> names_;
  std::vector<Column> columns_;
  std::vector<Column> long_;  // with cells that go below the table
};

std::string table_text(const Json &rows, size_t indent) {
  std::string text = Rows(rows).text(indent);
  for (const Json &row : rows) {
    for (const auto &[name, value] : row.items()) {
      if (!fits_a_line(value)) text += below(scalar_text(member(row, "name")) + " " + name, value, indent);
    }
  }
  return text;
}

std::string object_text(const Json &object, size_t indent) {
  Table list({{}, {}});
  std::string rest;
  for (const auto &[name, value] : object.items()) {
    if (value.is_structured() && value.empty()) continue;
    if (fits_a_line(value)) {
      list.add({name, line_text(value)});
    } else {
      rest += below(name, value, indent);
    }
  }
  return list.text(indent) + rest;
}

}  // namespace

Json parse_json(const std::string &text) {
  Json parsed = Json::parse(text, nullptr, false);
  return parsed.is_discarded() ? Json() : parsed;
}

Json member(const Json &value, const std::string &name) {
  return value.is_object() && value.contains(name) ? value[name] : Json();
}

std::string text_of(const Json &value, const std::string &name) {
  Json found = member(value, name);
  return found.is_string() ? found.get<std::string>() : "";
}

uint64_t number_of(const Json &value, const std::string &name) {
  Json found = member(value, name);
  return found.is_number_unsigned() ? found.get<uint64_t>() : 0;
}

std::string scalar_text(const Json &value) {
  if (value.is_null()) return "-";
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_string()) return printable(value.get_ref<const std::string &>());
  return value.dump();
}

std::string json_text(const Json &value, size_t indent) {
  if (value.is_object()) return object_text(value, indent);
  bool all_objects = std::all_of(value.begin(), value.end(), [](const Json &v) { return v.is_object(); });
  if (value.is_array() && !value.empty() && all_objects) return table_text(value, indent);
  if (fits_a_line(value)) return std::string(indent, ' ') + line_text(value) + "\n";
  std::string lines;
  for (const Json &item : value) lines += json_text(item, indent);
  return lines;
}

}  // namespace cachechain::tool
