#include "kernels/network/cudnn_attention.hpp"

#include <cudnn_frontend.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

#include "kernels/error.hpp"

// A pass is a graph of one operation, planned once for each shape: that takes about a second. Plans
// are kept by the thread that made them, with the handle they were made for.
namespace bayesum::cuda {
namespace {

namespace fe = cudnn_frontend;
using fe::graph::Tensor_attributes;
using Tensor = std::shared_ptr<Tensor_attributes>;

void check(const fe::error_t& error) {
  if (error.is_good()) return;
  throw Error(ExitCode::kDevice, "cuDNN failed: " + error.err_msg);
}

void check(cudnnStatus_t status) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  throw Error(ExitCode::kDevice, std::string("cuDNN failed: ") + cudnnGetErrorString(status));
}

constexpr std::int64_t kMostScratch = std::int64_t{4} << 30;

// The numbers that the tensors of a graph go by.
enum : std::int64_t { kQuery = 1, kKey, kValue, kOut, kLevel, kDOut, kDQuery, kDKey, kDValue };

// What a plan is made for. Strides are of rows: of qkv, out, dout and dqkv, the last two 0 forward.
struct Shape {
  std::int64_t sequences, heads, tokens, size;
  std::array<std::int64_t, 4> strides;

  auto operator<=>(const Shape&) const = default;
  bool is_backward() const { return strides[2] != 0; }
  std::int64_t channels() const { return heads * size; }
};

template <class Op>
Shape shape_of(const Op& op, std::size_t dout_stride, std::size_t dqkv_stride) {
  const auto whole = [](std::size_t n) { return static_cast<std::int64_t>(n); };
  return {.sequences = whole(op.out.rows / op.sequence),
          .heads = whole(op.heads),
          .tokens = whole(op.sequence),
          .size = whole(op.out.cols / op.heads),
          .strides = {whole(op.qkv.stride), whole(op.out.stride), whole(dout_stride),
                      whole(dqkv_stride)}};
}

// The graph of a pass, its tensors (sequences, heads, tokens, channels of a head).
class Pass {
 public:
  explicit Pass(const Shape& shape) : shape_(shape) {
    graph_.set_io_data_type(fe::DataType_t::BFLOAT16)
        .set_intermediate_data_type(fe::DataType_t::FLOAT)
        .set_compute_data_type(fe::DataType_t::FLOAT);
    const auto [of_qkv, of_out, of_dout, of_dqkv] = shape.strides;
    const Tensor query = input(kQuery, of_qkv), key = input(kKey, of_qkv);
    const Tensor value = input(kValue, of_qkv);
    if (!shape.is_backward()) {
      auto [out, level] = graph_.sdpa(
          query, key, value,
          causal(fe::graph::SDPA_attributes().set_name("attention")).set_generate_stats(true));
      output(*out, kOut, of_out);
      as_level(level->set_output(true));
      return;
    }
    const Tensor out = input(kOut, of_out), dout = input(kDOut, of_dout);
    Tensor level = graph_.tensor(as_level(Tensor_attributes().set_name("level")));
    auto [dquery, dkey, dvalue] = graph_.sdpa_backward(
        query, key, value, out, dout, level,
        causal(fe::graph::SDPA_backward_attributes().set_name("attention_backward"))
            .set_deterministic_algorithm(true));
    output(*dquery, kDQuery, of_dqkv);
    output(*dkey, kDKey, of_dqkv);
    output(*dvalue, kDValue, of_dqkv);
  }

  // Is there a plan for it on this GPU, the same bits in every run and not too much scratch?
  bool plan(cudnnHandle_t handle) {
    if (graph_.validate().is_bad() || graph_.build_operation_graph(handle).is_bad() ||
        graph_.create_execution_plans({fe::HeurMode_t::A}).is_bad()) {
      return false;
    }
    graph_.deselect_numeric_notes({fe::NumericalNote_t::NONDETERMINISTIC})
        .deselect_workspace_greater_than(kMostScratch);
    if (graph_.check_support().is_bad() || graph_.build_plans().is_bad()) return false;
    check(graph_.get_workspace_size(workspace_));
    return true;
  }

  void run(const Stream& stream, cudnnHandle_t handle,
           std::unordered_map<std::int64_t, void*> tensors) const {
    void* const workspace = stream.scratch(static_cast<std::size_t>(workspace_));
    check(graph_.execute(handle, tensors, workspace));
  }

 private:
  template <class Attributes>
  Attributes causal(Attributes attributes) const {
    return attributes.set_attn_scale(1.0f / std::sqrt(static_cast<float>(shape_.size)))
        .set_diagonal_alignment(fe::DiagonalAlignment_t::TOP_LEFT)
        .set_diagonal_band_right_bound(0);
  }

  Tensor_attributes& as_head(Tensor_attributes& tensor, std::int64_t uid, std::int64_t stride) {
    return tensor.set_uid(uid)
        .set_dim({shape_.sequences, shape_.heads, shape_.tokens, shape_.size})
        .set_stride({shape_.tokens * stride, shape_.size, stride, 1});
  }

  Tensor input(std::int64_t uid, std::int64_t stride) {
    Tensor_attributes tensor;
    tensor.set_name("tensor " + std::to_string(uid));
    return graph_.tensor(as_head(tensor, uid, stride));
  }

  void output(Tensor_attributes& tensor, std::int64_t uid, std::int64_t stride) {
    as_head(tensor.set_output(true), uid, stride);
  }

  Tensor_attributes& as_level(Tensor_attributes& tensor) const {
    return tensor.set_uid(kLevel)
        .set_data_type(fe::DataType_t::FLOAT)
        .set_dim({shape_.sequences, shape_.heads, shape_.tokens, 1})
        .set_stride({shape_.heads * shape_.tokens, shape_.tokens, 1, 1});
  }

  Shape shape_;
  fe::graph::Graph graph_;
  std::int64_t workspace_ = 0;
};

// The handle of a GPU, and what was planned with it; null where it is not for cuDNN.
class Plans {
 public:
  Plans() { check(cudnnCreate(&handle_)); }
  Plans(const Plans&) = delete;
  Plans& operator=(const Plans&) = delete;
  ~Plans() {
    passes_.clear();
    cudnnDestroy(handle_);
  }

  // Was there a plan for the shape?
  bool run(const Stream& stream, const Shape& shape,
           std::unordered_map<std::int64_t, void*> tensors) {
    check(cudnnSetStream(handle_, static_cast<cudaStream_t>(stream.native())));
    const Pass* const pass = find(stream, shape);
    if (pass != nullptr) pass->run(stream, handle_, std::move(tensors));
    return pass != nullptr;
  }

 private:
  const Pass* find(const Stream& stream, const Shape& shape) {
    constexpr std::size_t kKept = 256;
    const auto place = passes_.find(shape);
    if (place != passes_.end()) return place->second.get();
    auto pass = std::make_unique<Pass>(shape);
    if (!pass->plan(handle_)) pass.reset();
    if (passes_.size() == kKept) {
      stream.synchronize();
      passes_.clear();
    }
    return passes_.emplace(shape, std::move(pass)).first->second.get();
  }

  cudnnHandle_t handle_ = nullptr;
  std::map<Shape, std::unique_ptr<Pass>> passes_;
};

Plans& plans_of(const Stream& stream) {
  thread_local std::map<int, Plans> kept;
  stream.native();  // makes its GPU the current one, whose handle this is
  return kept[stream.device().index];
}

// Do sizes and addresses suit its loads of 16 bytes? The levels are to lie without gaps.
template <class Levels, class... Matrices>
bool suits(const Shape& shape, const Levels& levels, const Matrices&... matrices) {
  const auto is_aligned = [](const void* data) {
    return reinterpret_cast<std::uintptr_t>(data) % 16 == 0;
  };
  return shape.size % 8 == 0 && is_aligned(levels.data) && levels.stride == levels.cols &&
         ((is_aligned(matrices.data) && matrices.stride % 8 == 0) && ...);
}

// cuDNN takes pointers to what it only reads as pointers to what it might write.
void* address(const void* data) { return const_cast<void*>(data); }

template <class T>
void* address(const MatrixView<T>& matrix, std::int64_t part, const Shape& shape) {
  return address(matrix.data + part * shape.channels());
}

}  // namespace

bool attention_by_cudnn(const Stream& stream, const Attention<BFloat16>& op) {
  const Shape shape = shape_of(op, 0, 0);
  if (!suits(shape, op.log_sum_exp, op.qkv, op.out)) return false;
  return plans_of(stream).run(stream, shape,
                              {{kQuery, address(op.qkv, 0, shape)},
                               {kKey, address(op.qkv, 1, shape)},
                               {kValue, address(op.qkv, 2, shape)},
                               {kOut, op.out.data},
                               {kLevel, op.log_sum_exp.data}});
}

bool attention_backward_by_cudnn(const Stream& stream, const AttentionBackward<BFloat16>& op) {
  const Shape shape = shape_of(op, op.dout.stride, op.dqkv.stride);
  if (!suits(shape, op.log_sum_exp, op.qkv, op.out, op.dout, op.dqkv)) return false;
  return plans_of(stream).run(stream, shape,
                              {{kQuery, address(op.qkv, 0, shape)},
                               {kKey, address(op.qkv, 1, shape)},
                               {kValue, address(op.qkv, 2, shape)},
                               {kOut, address(op.out.data)},
                               {kLevel, address(op.log_sum_exp.data)},
                               {kDOut, address(op.dout.data)},
                               {kDQuery, address(op.dqkv, 0, shape)},
                               {kDKey, address(op.dqkv, 1, shape)},
                               {kDValue, address(op.dqkv, 2, shape)}});
}

}  // namespace bayesum::cuda
