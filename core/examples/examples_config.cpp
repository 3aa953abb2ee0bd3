#include <limits>

#include "core/data/dataset.hpp"
#include "core/examples/open_examples.hpp"

namespace bayesum {

void ExamplesConfig::describe(Fields& fields) {
  constexpr double kMost = 1 << 24;
  fields.add("data.path", path, {},
             "the training data: a text, tokens (.bin of nanoGPT or llm.c, see bayesum tokenize), "
             "images (IDX) or a table, all but tokens as they are or packed by gzip");
  fields.add("data.format", format, {"auto", "text", "tokens", "idx", "csv", "npy", "whitespace"},
             "auto: by the end of data.path, .txt, .bin, -ubyte or .idx, .npy, else CSV; "
             "whitespace: numbers between blanks or tabs, without a header");
  fields.add("data.tokenizer", tokenizer, {"auto", "bytes", "characters", "gpt2"},
             "what turns text into tokens; auto: gpt2 where data.merges is given, else characters "
             "for a text and none for tokens");
  fields.add("data.vocabulary", vocabulary, {},
             "gpt2: the file vocab.json; characters: a file with all of them (empty: those of "
             "data.path)");
  fields.add("data.merges", merges, {}, "gpt2: the file merges.txt");
  fields.add("data.vocabulary_size", vocabulary_size, {0, kMost},
             "how many tokens there are in a .bin file's vocabulary; 0: the tokenizer's");
  fields.add("data.context", context, {1, kMost}, "tokens of a window");
  fields.add("data.response", response, {},
             "the column to be explained; npy: a column or an .npy file; idx: the file of labels");
  fields.add("data.features", features, "the columns that explain it; empty: all that are left");
  fields.add("data.feature_names", feature_names, {},
             "npy and whitespace: a file with the names of the columns, one a line");
  fields.add("data.rows", rows, {},
             "a file with the numbers, from 0, of the rows to learn from, one a line; empty: all");
  fields.add("data.scaling", scaling, {"auto", "none", "unit", "standard"},
             "unit: pixels from 0 to 1; standard: mean 0 and standard deviation 1 in the rows of "
             "the training, of each column, of all pixels together, and of a response that is a "
             "number; auto: unit for images, standard for tables");
  fields.add("data.validation", validation, {}, "held-out data, of the same kind as data.path");
  fields.add("data.validation_response", validation_response, {},
             "the held-out response or labels where that is another file");
  fields.add("data.validation_rows", validation_rows, {},
             "the numbers of the held-out rows, of data.validation, or else of data.path");
  fields.add("data.validation_share", validation_share, {0, 1, false, true},
             "the share of data.path, at its end, that is held out and not learned from");
  fields.add("data.batch", batch, {1, kMost}, "examples of a micro-batch");
  fields.add("data.micro_steps", micro_steps, {1, kMost},
             "micro-batches that each virtual shard takes in a step");
  fields.add("data.virtual_shards", virtual_shards, {1, kMostShards},
             "pieces that a step's examples are cut into, whatever the number of ranks");
}

BatchShape ExamplesConfig::batch_shape() const {
  return {.virtual_shards = static_cast<std::size_t>(virtual_shards),
          .micro_steps = static_cast<std::size_t>(micro_steps),
          .rows = static_cast<std::size_t>(batch)};
}

}  // namespace bayesum
