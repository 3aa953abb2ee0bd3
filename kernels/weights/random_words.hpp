#pragma once

#include <cstddef>
#include <cstdint>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "kernels/philox.hpp"
#include "kernels/weights/noise.hpp"

// Philox blocks, many at a time, on the CPU. A compiler does not see that the product of two words
// is one instruction when lanes are twice as wide and their upper halves may hold anything; told
// so, it is three times as fast.
namespace bayesum::cpu {

#if defined(__AVX512F__)
using WordLanes = std::uint64_t __attribute__((vector_size(64)));
inline WordLanes product_of_words(WordLanes a, WordLanes b) {
  constexpr __mmask8 kAll = 0xff;  // g++ 12 sees something uninitialized in the form without it
  return reinterpret_cast<WordLanes>(
      _mm512_maskz_mul_epu32(kAll, reinterpret_cast<__m512i>(a), reinterpret_cast<__m512i>(b)));
}
#elif defined(__AVX2__)
using WordLanes = std::uint64_t __attribute__((vector_size(32)));
inline WordLanes product_of_words(WordLanes a, WordLanes b) {
  return reinterpret_cast<WordLanes>(
      _mm256_mul_epu32(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b)));
}
#elif defined(__SSE2__)
using WordLanes = std::uint64_t __attribute__((vector_size(16)));
inline WordLanes product_of_words(WordLanes a, WordLanes b) {
  return reinterpret_cast<WordLanes>(
      _mm_mul_epu32(reinterpret_cast<__m128i>(a), reinterpret_cast<__m128i>(b)));
}
#else
using WordLanes = std::uint64_t __attribute__((vector_size(16)));
inline WordLanes product_of_words(WordLanes a, WordLanes b) {
  constexpr std::uint64_t kWord = 0xffffffff;
  return (a & kWord) * (b & kWord);
}
#endif

inline constexpr std::size_t kWordLanes = sizeof(WordLanes) / sizeof(std::uint64_t);

// words[k][b] = word k of the block of counter first + b, in the lower half.
template <std::size_t blocks>
void random_words(NoiseId id, std::uint64_t first, std::uint64_t (&words)[4][blocks]) {
  static_assert(blocks % kWordLanes == 0);
  WordLanes ascending;
  for (std::size_t lane = 0; lane < kWordLanes; ++lane) ascending[lane] = lane;
  const WordLanes zero{};
  for (std::size_t b = 0; b < blocks; b += kWordLanes) {
    WordLanes word0 = ascending + (first + b);
    WordLanes word1 = word0 >> 32;
    WordLanes word2 = zero + id.step;
    WordLanes word3 = zero + id.draw;
    PhiloxKey key{{static_cast<std::uint32_t>(id.seed), static_cast<std::uint32_t>(id.seed >> 32)}};
    for (int round = 0; round < kPhiloxRounds; ++round) {
      const WordLanes product0 = product_of_words(word0, zero + kPhiloxMultiplier0);
      const WordLanes product1 = product_of_words(word2, zero + kPhiloxMultiplier1);
      word0 = (product1 >> 32) ^ word1 ^ (zero + key.word[0]);
      word1 = product1;
      word2 = (product0 >> 32) ^ word3 ^ (zero + key.word[1]);
      word3 = product0;
      key.word[0] += kPhiloxWeyl0;
      key.word[1] += kPhiloxWeyl1;
    }
    const WordLanes all[] = {word0, word1, word2, word3};
    for (std::size_t k = 0; k < 4; ++k) __builtin_memcpy(&words[k][b], &all[k], sizeof all[k]);
  }
}

}  // namespace bayesum::cpu
