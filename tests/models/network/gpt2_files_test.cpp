#include "models/network/gpt2_files.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "core/files/tensor_reader.hpp"
#include "core/files/tensor_writer.hpp"
#include "tests/core/command.hpp"
#include "tests/core/files.hpp"

namespace bayesum {
namespace {

using testing::error_of;
using testing::TemporaryFolder;

const std::string kGolden = BAYESUM_TEST_FOLDER "/gpt2.safetensors";

Gpt2Shape golden_shape() {
  return {.vocabulary = 67, .context = 16, .layers = 2, .heads = 2, .channels = 32};
}

Gpt2Shape small_shape() {
  return {.vocabulary = 5, .context = 3, .layers = 2, .heads = 2, .channels = 4};
}

// A tensor that a test makes a file of, of floats that F16 and BF16 hold too.
struct Made {
  std::string name;
  std::vector<std::size_t> shape;
  std::vector<float> values;
};

std::vector<Made> made_network(const Gpt2Shape& shape) {
  std::vector<Made> made;
  float next = 0;
  const ParameterSpace space = gpt2_parameters(shape);
  for (const ParameterTensor& tensor : space.tensors()) {
    made.push_back({tensor.name, tensor.shape, std::vector<float>(tensor.size())});
    for (float& value : made.back().values) value = next = std::fmod(next + 1, 251.0f);
  }
  return made;
}

// The bits of a float that F16, BF16 or F32 holds exactly.
std::vector<std::byte> encoded(const std::vector<float>& values, TensorType type) {
  std::vector<std::byte> bytes;
  const auto append = [&](auto bits) {
    const auto part = std::as_bytes(std::span(&bits, 1));
    bytes.insert(bytes.end(), part.begin(), part.end());
  };
  for (const float value : values) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    if (type == TensorType::kF32) append(bits);
    if (type == TensorType::kBf16) append(static_cast<std::uint16_t>(bits >> 16));
    if (type == TensorType::kF16) {
      const std::uint32_t half = value == 0 ? 0 : (bits >> 13) - ((127 - 15) << 10);
      append(static_cast<std::uint16_t>(half));
    }
  }
  return bytes;
}

void write_made(const std::filesystem::path& path, const std::vector<Made>& made,
                TensorType type = TensorType::kF32) {
  std::vector<std::vector<std::byte>> contents;
  std::vector<TensorView> views;
  for (const Made& tensor : made) contents.push_back(encoded(tensor.values, type));
  for (std::size_t i = 0; i < made.size(); ++i) {
    views.push_back({made[i].name, type, made[i].shape, contents[i]});
  }
  write_tensors(path, {{"format", "pt"}}, views, Checksum::kNone);
}

// Where the values of the made tensors are in the flat vector, and zero elsewhere.
std::vector<float> flat(const std::vector<Made>& made, const ParameterSpace& space) {
  std::vector<float> values(space.size());
  for (const Made& tensor : made) {
    std::ranges::copy(tensor.values, values.begin() + static_cast<std::ptrdiff_t>(
                                                          space.tensor(tensor.name).first));
  }
  return values;
}

TEST(Gpt2Parameters, CountAsThePaperDoes) {
  // "124M" and "1558M" of the released models; 12 L C^2 + 13 L C + (V + T + 2) C.
  for (const auto& [layers, heads, channels, count] :
       {std::array<std::size_t, 4>{12, 12, 768, 124'439'808},
        std::array<std::size_t, 4>{48, 25, 1600, 1'557'611'200}}) {
    const Gpt2Shape shape{.layers = layers, .heads = heads, .channels = channels};
    EXPECT_EQ(gpt2_parameters(shape).count(), count);
  }
}

TEST(Gpt2Parameters, StartAsGpt2DoesAndMayLackBiasesAndBePadded) {
  Gpt2Shape shape = small_shape();
  const ParameterSpace space = gpt2_parameters(shape);
  EXPECT_EQ(space.tensor("h.1.attn.c_attn.weight").initial_sd, 0.02);
  EXPECT_EQ(space.tensor("h.1.attn.c_proj.weight").initial_sd, 0.01);
  EXPECT_EQ(space.tensor("h.0.mlp.c_proj.weight").initial_sd, 0.01);
  EXPECT_EQ(space.tensor("h.0.ln_2.weight").initial_mean, 1);
  EXPECT_EQ(space.tensor("h.0.ln_2.weight").initial_sd, 0);
  EXPECT_EQ(space.tensor("ln_f.bias").initial_mean, 0);
  shape.biases = false;
  shape.vocabulary_multiple = 8;
  const ParameterSpace bare = gpt2_parameters(shape);
  EXPECT_EQ(bare.tensors().size(), 2u + 2 * 6 + 1);
  EXPECT_EQ(bare.tensor("wte.weight").shape, (std::vector<std::size_t>{8, 4}));
  shape.heads = 3;
  EXPECT_EQ(error_of(ExitCode::kUsage, [&] { gpt2_parameters(shape); }),
            "a GPT-2 cannot have 4 channels in 3 heads of equal size");
}

TEST(Gpt2Files, ReadsEveryFloatingTypeUnderEitherName) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "model.safetensors";
  const Gpt2Shape shape = small_shape();
  const std::vector<Made> plain = made_network(shape);
  const std::vector<float> wanted = flat(plain, gpt2_parameters(shape));
  for (const TensorType type : {TensorType::kF32, TensorType::kF16, TensorType::kBf16}) {
    std::vector<Made> made = plain;
    write_made(path, made, type);
    EXPECT_EQ(read_gpt2(path, shape), wanted) << to_string(type);
    for (Made& tensor : made) tensor.name.insert(0, "transformer.");
    made.push_back({"transformer.h.0.attn.bias", {1, 1, 3, 3}, std::vector<float>(9)});
    made.push_back({"transformer.h.1.attn.masked_bias", {}, std::vector<float>(1)});
    made.push_back({"lm_head.weight", plain[0].shape, plain[0].values});
    write_made(path, made, type);
    EXPECT_EQ(read_gpt2(path, shape), wanted) << to_string(type);
  }
}

TEST(Gpt2Files, PadsTheVocabularyWithZeros) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "model.safetensors";
  Gpt2Shape shape = small_shape();
  const std::vector<Made> made = made_network(shape);
  write_made(path, made);
  shape.vocabulary_multiple = 64;
  const ParameterSpace space = gpt2_parameters(shape);
  EXPECT_EQ(space.tensor("wte.weight").size(), 64u * 4);
  EXPECT_EQ(read_gpt2(path, shape), flat(made, space));
}

TEST(Gpt2Files, EveryTensorThatIsWrongIsNamedAtOnce) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "model.safetensors";
  std::vector<Made> made = made_network(small_shape());
  std::erase_if(made, [](const Made& tensor) { return tensor.name == "h.1.ln_2.bias"; });
  std::erase_if(made, [](const Made& tensor) { return tensor.name == "wpe.weight"; });
  made.push_back({"h.2.ln_1.weight", {4}, std::vector<float>(4)});
  for (Made& tensor : made) {
    if (tensor.name == "h.0.attn.c_attn.weight") tensor.shape = {12, 4};
  }
  write_made(path, made);
  EXPECT_EQ(error_of(ExitCode::kFile, [&] { read_gpt2(path, small_shape()); }),
            path.string() +
                ": tensors are missing: wpe.weight, h.1.ln_2.bias; tensors do not belong: "
                "h.2.ln_1.weight; tensors have another shape: h.0.attn.c_attn.weight [12, 4] where "
                "[4, 12] belongs");
}

TEST(Gpt2Files, AHeadThatIsNotTiedIsRefused) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "model.safetensors";
  std::vector<Made> made = made_network(small_shape());
  made.push_back({"lm_head.weight", made[0].shape, made[0].values});
  made.back().values.back() += 1;
  write_made(path, made);
  EXPECT_EQ(error_of(ExitCode::kFile, [&] { read_gpt2(path, small_shape()); }),
            path.string() + ": lm_head.weight is not wte.weight, to which a GPT-2 ties it");
  made.back() = {"transformer.ln_f.bias", {4}, std::vector<float>(4)};
  write_made(path, made);
  EXPECT_EQ(error_of(ExitCode::kFile, [&] { read_gpt2(path, small_shape()); }),
            path.string() + ": there are two tensors ln_f.bias");
}

// Weights as the golden file has them, without its other tensors.
std::vector<float> golden_weights(const Gpt2Shape& shape) {
  const TensorReader file(kGolden, Checksum::kNone);
  const ParameterSpace space = gpt2_parameters(shape);
  std::vector<float> values(space.size());
  for (const ParameterTensor& tensor : space.tensors()) {
    const auto part = file.floats("transformer." + tensor.name);
    std::ranges::copy(part, values.begin() + static_cast<std::ptrdiff_t>(tensor.first));
  }
  return values;
}

TEST(Gpt2Files, GiveBackWhatTheyWereGiven) {
  const TemporaryFolder folder;
  Gpt2Shape shape = golden_shape();
  const std::vector<float> mean = golden_weights(shape);
  std::vector<float> sigma(mean.size());
  std::ranges::transform(mean, sigma.begin(), [](float m) { return std::abs(m) / 3; });
  write_gpt2(folder.path(), shape, mean, sigma, 66);
  EXPECT_EQ(read_gpt2(folder.path() / "model.safetensors", shape), mean);
  EXPECT_EQ(read_gpt2(folder.path() / "sigma.safetensors", shape), sigma);
  const Gpt2Shape back = read_gpt2_shape(folder.path() / "config.json");
  EXPECT_EQ(gpt2_parameters(back).size(), mean.size());
  EXPECT_EQ(back.heads, shape.heads);
  EXPECT_NE(error_of(ExitCode::kUsage,
                     [&] { write_gpt2(folder.path(), shape, std::span(mean).first(3), {}, 66); })
                .find("3 values came for"),
            std::string::npos);
}

TEST(Gpt2Files, ANetworkWithoutBiasesIsWrittenWithZeros) {
  const TemporaryFolder folder;
  Gpt2Shape shape = small_shape();
  shape.biases = false;
  shape.vocabulary_multiple = 8;
  const std::vector<Made> made = made_network(shape);
  const ParameterSpace space = gpt2_parameters(shape);
  write_gpt2(folder.path(), shape, flat(made, space), {}, std::nullopt);
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "sigma.safetensors"));
  const Gpt2Shape filed = small_shape();
  const auto back = read_gpt2(folder.path() / "model.safetensors", filed);
  const ParameterSpace full = gpt2_parameters(filed);
  for (const ParameterTensor& tensor : full.tensors()) {
    const auto values = std::span(back).subspan(tensor.first, tensor.size());
    if (tensor.name.ends_with(".bias")) {
      EXPECT_TRUE(std::ranges::all_of(values, [](float x) { return x == 0; })) << tensor.name;
    } else {
      const auto same = std::ranges::find(made, tensor.name, &Made::name);
      EXPECT_TRUE(std::equal(values.begin(), values.end(), same->values.begin())) << tensor.name;
    }
  }
}

TEST(Gpt2Files, AConfigurationOfAnotherNetworkIsRefused) {
  const TemporaryFolder folder;
  const std::string sizes =
      R"("vocab_size": 5, "n_positions": 3, "n_embd": 4, "n_layer": 2, "n_head": 2)";
  const auto refusal = [&](const std::string& text) {
    const auto path = folder.file("config.json", text);
    const std::string sentence = error_of(ExitCode::kFile, [&] { read_gpt2_shape(path); });
    return sentence == "no error" ? sentence : sentence.substr(path.string().size());
  };
  const std::string gpt2 = R"({"model_type": "gpt2", )" + sizes;
  EXPECT_EQ(refusal(gpt2 + "}"), "no error");
  EXPECT_EQ(refusal(gpt2 + R"(, "n_inner": 16, "layer_norm_epsilon": 0.00001})"), "no error");
  EXPECT_EQ(refusal("{" + sizes + "}"), ": there is no model_type");
  EXPECT_EQ(refusal(R"({"model_type": "gptj", )" + sizes + "}"),
            R"(: model_type is "gptj", not "gpt2")");
  EXPECT_EQ(refusal(gpt2 + R"(, "activation_function": "gelu"})"),
            R"(: activation_function is "gelu", not "gelu_new")");
  EXPECT_EQ(refusal(gpt2 + R"(, "layer_norm_epsilon": 1e-6})"),
            ": layer_norm_epsilon is 1e-06, not 1e-05");
  EXPECT_EQ(refusal(gpt2 + R"(, "n_inner": 17})"), ": n_inner is 17, not 16");
  EXPECT_EQ(refusal(gpt2 + R"(, "scale_attn_by_inverse_layer_idx": true})"),
            ": scale_attn_by_inverse_layer_idx is true, not false");
  EXPECT_EQ(refusal(R"({"model_type": "gpt2"})"), ": there is no vocab_size");
  EXPECT_EQ(refusal(R"({"model_type": "gpt2", "vocab_size": -5})"),
            ": vocab_size is -5, which it cannot be");
  EXPECT_EQ(refusal(R"({"model_type": "gpt2", "vocab_size": "5"})"),
            R"(: vocab_size is "5", which it cannot be)");
  EXPECT_EQ(refusal("[1]"), ": it is not a JSON object");
  EXPECT_EQ(refusal("{"), ": it is not a JSON object");
}

TEST(Gpt2Files, OpenInTransformers) {
  const TemporaryFolder folder;
  Gpt2Shape shape = golden_shape();
  shape.vocabulary_multiple = 64;
  const std::vector<float> mean = golden_weights(shape);
  const std::vector<float> sigma(mean.size(), 0.125f);
  write_gpt2(folder.path(), shape, mean, sigma, std::nullopt);
  const auto said = testing::run_command("python3 " BAYESUM_TEST_FOLDER "/transformers_check.py " +
                                         folder.path().string() + " " + kGolden + " 2>/dev/null");
  if (said.status == 77) GTEST_SKIP() << "a package is not here: " << said.text;
  EXPECT_EQ(said.status, 0);
  EXPECT_EQ(said.text,
            "missing_keys []\nunexpected_keys []\nmismatched_keys []\nlogits agree: True\n"
            "sigma has the names: True\n");
  const auto again = folder.path() / "again";
  EXPECT_EQ(read_gpt2_shape(again / "config.json").channels, shape.channels);
  EXPECT_EQ(read_gpt2(again / "model.safetensors", shape), mean);
}

}  // namespace
}  // namespace bayesum
