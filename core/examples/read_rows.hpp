#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "core/examples/row_examples.hpp"

namespace bayesum {

// What a network is to explain: a number, or which class a row is of.
enum class Response { kReal, kClass };

// What the values become: as they are; pixels / 255, into [0, 1]; or less their mean over the rows
// of the training and divided by their standard deviation, a feature at a time, of images all
// pixels together.
enum class Scaling { kNone, kUnit, kStandard };

// Where rows are and which of them are meant.
struct RowSource {
  std::string path;
  std::string format = "auto";     // idx, csv, npy, whitespace; auto: by the name of the file
  std::string response = {};       // a column; npy: or an .npy file; idx: the file of labels
  Strings features = {};           // columns; empty: all others
  std::string feature_names = {};  // npy and whitespace: a file with the names of the columns
  std::string rows = {};           // a file of row numbers from 0, one a line; empty: all rows
  double first = 0;                // of the rows that there are, those from this share on
  double last = 1;                 // up to this one
};

// Is the format of the source, told by its name where it is "auto", that of images?
bool is_idx(const RowSource& source);

// Reads the rows of a training into memory and establishes their design; or reads other rows by a
// design. Classes are the distinct texts of the response in the whole file, by value when all are
// numbers, else by their bytes; of images the labels 0 .. the largest one. With kReal, scaled by
// kStandard, the response is standardized too.
//
// Error(kUsage) for columns that are not there and a scaling that does not fit, Error(kFile) naming
// file and line or row for what cannot be read: missing values are refused, row numbers must be
// those of the file, each once, and rows of one design must have its features and classes. By a
// design rows are read without a response too: their labels are kNoTarget, their numbers NaN.
RowExamples read_rows(const RowSource& source, Response response, Scaling scaling);
RowExamples read_rows(const RowSource& source, const RowDesign& design);

}  // namespace bayesum
