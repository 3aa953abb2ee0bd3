#pragma once

#include "core/examples/read_rows.hpp"

namespace bayesum {

// read_rows() of images in IDX files: `path` those of the images, `response` those of the labels.
RowExamples read_images(const RowSource& source, Response response, Scaling scaling);
RowExamples read_images(const RowSource& source, const RowDesign& design);

}  // namespace bayesum
