#pragma once

#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/examples/tokenizer.hpp"

namespace bayesum {

// GPT-2's tokenizer, byte-level BPE (Radford et al., "Language models are unsupervised multitask
// learners", 2019; Sennrich et al., ACL 2016), from its usual files.
//
// A text is cut into words (core/examples/words.hpp). A word begins as the tokens of its bytes;
// then the two neighbours that come first in merges.txt become one token, the leftmost pair first,
// until no pair of neighbours is in the list. vocab.json gives every token its number.
// "<|endoftext|>" in a text is its own token where the vocabulary has it, and parts the text.
//
// Every text has tokens, those that are not UTF-8 included, and decode(encode(text)) == text.
class Bpe : public Tokenizer {
 public:
  // The texts of the two files; their names stand in messages. In both a byte is written as the
  // character that GPT-2 gives it: itself where it is printable, else U+0100 and on.
  // Error(kFile), with limits before anything is allocated: 2^20 tokens and merges, 1024 bytes a
  // token; tokens numbered 0 .. n-1, each once; all 256 bytes among them; a merge of two tokens
  // that are bytes or made by merges before it into a token that is neither.
  Bpe(std::string vocabulary, std::string merges, const std::string& vocabulary_name = "vocab.json",
      const std::string& merges_name = "merges.txt");

  std::string name() const override { return "gpt2"; }
  std::size_t size() const override { return token_text_.size(); }
  std::size_t encode(std::string_view text, std::vector<std::uint32_t>& tokens) const override;
  std::string_view text_of(std::uint32_t token) const override { return token_text_[token]; }
  std::optional<std::uint32_t> end_of_text() const override { return end_of_text_; }
  Strings texts() const override { return {vocabulary_, merges_}; }

 private:
  class Encoder;
  struct Merge {
    std::uint32_t rank = 0;
    std::uint32_t token = 0;
  };

  static std::uint64_t key(std::uint32_t left, std::uint32_t right) {
    return std::uint64_t{left} << 32 | right;
  }
  void read_vocabulary(const std::string& name);
  void read_merges(const std::string& name);
  void add_merge(std::string_view line, const std::string& where, std::vector<bool>& made);

  std::string vocabulary_;
  std::string merges_;
  std::vector<std::string> token_text_;
  std::unordered_map<std::string, std::uint32_t> token_of_;
  std::vector<std::uint32_t> byte_token_;           // of each byte
  std::unordered_map<std::uint64_t, Merge> merge_;  // by the key of a pair
  std::optional<std::uint32_t> end_of_text_;
};

}  // namespace bayesum
