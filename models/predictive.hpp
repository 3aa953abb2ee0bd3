#pragma once

// What is done with a trained posterior: kept in a file, reported, used to predict, and scored.
#include "models/coefficients.hpp"
#include "models/evaluation.hpp"
#include "models/prediction.hpp"
#include "models/trained_model.hpp"
