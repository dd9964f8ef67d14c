function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE failed)
  if(failed)
    string(REPLACE ";" " " command "${ARGV}")
    message(FATAL_ERROR "failed: ${command}")
  endif()
endfunction()

set(prefix ${WORK_DIR}/prefix)
file(REMOVE_RECURSE ${WORK_DIR})
run(${CMAKE_COMMAND} --install ${BUILD_DIR} --prefix ${prefix})

# The custom backend: found by find_package, run by name, and through the whole conformance suite.
run(${CMAKE_COMMAND} -S ${SOURCE_DIR}/examples/custom_backend -B ${WORK_DIR}/custom_backend -G Ninja
    -DCMAKE_PREFIX_PATH=${prefix} -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_BUILD_TYPE=Release)
run(${CMAKE_COMMAND} --build ${WORK_DIR}/custom_backend)
run(${WORK_DIR}/custom_backend/custom_backend)
run(${WORK_DIR}/custom_backend/custom_backend --check)
run(${WORK_DIR}/custom_backend/random_calls --backend throttled --seed 1 --count 100)

# A component that does not exist is refused with the list of those that do.
file(WRITE ${WORK_DIR}/missing/CMakeLists.txt
     "cmake_minimum_required(VERSION 3.25)\nproject(missing LANGUAGES CXX)\nfind_package(paracord REQUIRED COMPONENTS cluter)\n")
execute_process(COMMAND ${CMAKE_COMMAND} -S ${WORK_DIR}/missing -B ${WORK_DIR}/missing/build -DCMAKE_PREFIX_PATH=${prefix}
                RESULT_VARIABLE failed ERROR_VARIABLE message OUTPUT_QUIET)
if(NOT failed OR NOT message MATCHES "no component 'cluter'")
  message(FATAL_ERROR "a missing component was not refused clearly: ${message}")
endif()

# pkg-config.
file(GLOB_RECURSE pc ${prefix}/*/paracord.pc)
get_filename_component(pc_dir ${pc} DIRECTORY)
execute_process(COMMAND ${CMAKE_COMMAND} -E env PKG_CONFIG_PATH=${pc_dir}
                        pkg-config --define-variable=prefix=${prefix} --cflags --libs paracord
                OUTPUT_VARIABLE flags OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
separate_arguments(flags UNIX_COMMAND "${flags}")
run(${COMPILER} -std=c++20 ${SOURCE_DIR}/examples/quickstart.cc -o ${WORK_DIR}/quickstart ${flags}
    -Wl,-rpath,${pc_dir}/..)
run(${WORK_DIR}/quickstart)

# A program that runs loops on threads needs the core and the threads, and no library of others.
file(WRITE ${WORK_DIR}/threads_only/main.cc [[
#include "paracord/backends/threads/threads.h"
#include "paracord/core/parallel.h"
#include <ranges>
int twice(int x) { return 2 * x; }
int main() {
  paracord::Parallel parallel({.n_jobs = 2});
  return parallel(std::views::iota(0, 4) | std::views::transform([](int i) {
                    return paracord::delayed<twice>(i);
                  }))[3] == 6 ? 0 : 1;
}
]])
file(WRITE ${WORK_DIR}/threads_only/CMakeLists.txt [[
cmake_minimum_required(VERSION 3.25)
project(threads_only LANGUAGES CXX)
find_package(paracord REQUIRED COMPONENTS core backend_threads)
add_executable(threads_only main.cc)
target_link_libraries(threads_only PRIVATE paracord::backend_threads)
]])
run(${CMAKE_COMMAND} -S ${WORK_DIR}/threads_only -B ${WORK_DIR}/threads_only/build -G Ninja
    -DCMAKE_PREFIX_PATH=${prefix} -DCMAKE_CXX_COMPILER=${COMPILER})
run(${CMAKE_COMMAND} --build ${WORK_DIR}/threads_only/build)
run(${WORK_DIR}/threads_only/build/threads_only)
execute_process(COMMAND ldd ${WORK_DIR}/threads_only/build/threads_only OUTPUT_VARIABLE libraries
                COMMAND_ERROR_IS_FATAL ANY)
if(libraries MATCHES "zmq|capnp|xxhash|zstd|lz4|lzma|bz2|libz[.]")
  message(FATAL_ERROR "a threads-only program links: ${libraries}")
endif()
