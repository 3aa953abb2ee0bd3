include(GoogleTest)

# What a test that starts ranks by mpirun needs: root may, there may be more ranks than cores, and one
# thread each. Open MPI unloads its plugins at the end; only whole stacks, slow to take, let the
# suppressions of tests/sanitizers see what those leaked.
set(bayesum_mpi_environment
  OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1
  OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 ASAN_OPTIONS=fast_unwind_on_malloc=0
  BAYESUM_SANITIZE=${BAYESUM_SANITIZE})

# Seconds; the sanitizers slow the long rounds down.
set(bayesum_test_timeout 300)
if(BAYESUM_SANITIZE)
  set(bayesum_test_timeout 1200)
endif()

# bayesum_test(NAME SOURCES a.cpp ... LINK lib ... [LABELS l]): a GoogleTest binary, each of its
# tests a ctest of its own, so that a skipped one shows as skipped.
function(bayesum_test name)
  cmake_parse_arguments(test "" "" "SOURCES;LINK;LABELS" ${ARGN})
  add_executable(${name} ${test_SOURCES})
  target_link_libraries(${name} PRIVATE ${test_LINK} GTest::gtest GTest::gtest_main)
  if(NOT test_LABELS)
    set(test_LABELS unit)
  endif()
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60
    PROPERTIES TIMEOUT ${bayesum_test_timeout} LABELS ${test_LABELS} ENVIRONMENT "OPENBLAS_NUM_THREADS=1")
endfunction()

# bayesum_mpi_test(NAME RANKS 1 2 ... SOURCES a.cpp LINK lib ...): a binary with its own main, run
# whole under mpirun once for each number of ranks.
function(bayesum_mpi_test name)
  cmake_parse_arguments(test "" "" "SOURCES;LINK;RANKS;LABELS" ${ARGN})
  add_executable(${name} ${test_SOURCES})
  target_link_libraries(${name} PRIVATE ${test_LINK} GTest::gtest)
  foreach(ranks ${test_RANKS})
    add_test(NAME ${name}.${ranks}_ranks
      COMMAND ${MPIEXEC_EXECUTABLE} ${MPIEXEC_NUMPROC_FLAG} ${ranks} $<TARGET_FILE:${name}>)
    set_tests_properties(${name}.${ranks}_ranks PROPERTIES TIMEOUT ${bayesum_test_timeout} LABELS "mpi;${test_LABELS}"
      ENVIRONMENT "${bayesum_mpi_environment};BAYESUM_TEST_RANKS=${ranks}")
  endforeach()
endfunction()
