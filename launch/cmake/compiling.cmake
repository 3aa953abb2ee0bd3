# How every target is compiled, and the two helpers that declare one.

find_program(BAYESUM_CCACHE ccache)
if(BAYESUM_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${BAYESUM_CCACHE})
  set(CMAKE_CUDA_COMPILER_LAUNCHER ${BAYESUM_CCACHE})
endif()

add_library(bayesum_options INTERFACE)
target_compile_features(bayesum_options INTERFACE cxx_std_20)
target_include_directories(bayesum_options INTERFACE ${PROJECT_SOURCE_DIR})
# g++ 12 sees overlaps (-Wrestrict) in a literal + std::to_string(...) where there are none. Its warnings
# are errors; clang, which compiles the fuzz targets, has others.
target_compile_options(bayesum_options INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-ffp-contract=off>
  $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wno-restrict -Werror>
  $<$<COMPILE_LANGUAGE:CUDA>:-Werror=all-warnings -Xcompiler=-Wall,-Wextra,-Werror,-ffp-contract=off>)
if(BAYESUM_NATIVE)
  target_compile_options(bayesum_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-march=native>)
endif()
# Between the checks of a sanitizer g++ takes what std::regex moves for uninitialised.
if(BAYESUM_SANITIZE)
  target_compile_options(bayesum_options INTERFACE
    $<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${BAYESUM_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all>
    $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-maybe-uninitialized>)
  target_link_options(bayesum_options INTERFACE -fsanitize=${BAYESUM_SANITIZE})
endif()
if(BAYESUM_FUZZ)
  target_compile_options(bayesum_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(BAYESUM_OPENMP)
  target_link_libraries(bayesum_options INTERFACE OpenMP::OpenMP_CXX)
endif()
if(BAYESUM_WITH_CUDA)
  target_compile_definitions(bayesum_options INTERFACE BAYESUM_WITH_CUDA)
endif()
if(BAYESUM_WITH_NCCL)
  target_compile_definitions(bayesum_options INTERFACE BAYESUM_WITH_NCCL)
endif()
if(BAYESUM_WITH_CUDNN)
  target_compile_definitions(bayesum_options INTERFACE BAYESUM_WITH_CUDNN)
endif()

# bayesum_floor(NAME SOURCES a.cpp ... [CUDA a.cu ...] [LINK lib ...]): one static library a floor.
# The CUDA sources are left out of a build without CUDA.
function(bayesum_floor name)
  cmake_parse_arguments(floor "" "" "SOURCES;CUDA;LINK" ${ARGN})
  add_library(bayesum_${name} STATIC ${floor_SOURCES})
  target_link_libraries(bayesum_${name} PUBLIC bayesum_options ${floor_LINK})
  if(BAYESUM_WITH_CUDA AND floor_CUDA)
    target_sources(bayesum_${name} PRIVATE ${floor_CUDA})
    set_target_properties(bayesum_${name} PROPERTIES CUDA_STANDARD 20 CUDA_STANDARD_REQUIRED ON)
  endif()
endfunction()
