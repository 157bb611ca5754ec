# What every target of the project shares, and the three ways to declare one:
#   mq_layer(log DEPS os record LIBS ...)  one folder of libcore = one static library mq_log
#   mq_tool(mq-produce [STATIC] DEPS log ...)  one folder of tools = one binary
#   mq_test(unit/log ...)                  see tests/CMakeLists.txt

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_INTERPROCEDURAL_OPTIMIZATION OFF)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()
# Line tables are enough for a stack trace and a profile, at half the size and link time of -g.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1")

find_program(MQ_CCACHE ccache)
if(MQ_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${MQ_CCACHE})
endif()

add_library(mq_options INTERFACE)
target_include_directories(mq_options INTERFACE ${PROJECT_SOURCE_DIR}/libcore ${PROJECT_SOURCE_DIR}/tools)
target_compile_options(mq_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wextra-semi -Wimplicit-fallthrough -Werror
  # With -O3 g++ 12 sees overlaps in "text" + std::string that are not there (its bug 105651), and reads of what an
  # optional does not hold behind the test that it does (its bug 80635).
  "$<$<AND:$<CXX_COMPILER_ID:GNU>,$<CONFIG:Release>>:-Wno-restrict;-Wno-maybe-uninitialized>")
target_compile_definitions(mq_options INTERFACE
  MQ_VERSION="${PROJECT_VERSION}" $<$<BOOL:${MQ_KILL_POINTS}>:MQ_KILL_POINTS>)
if(MQ_SANITIZE MATCHES thread)
  # The sanitizer does not model fences, and says so; what they order are atomics.
  target_compile_options(mq_options INTERFACE -Wno-tsan)
endif()
if(MQ_SANITIZE)
  # What the sanitizers add to the code has g++ 12 see accesses that are not there, in std::regex and std::string.
  target_compile_options(mq_options INTERFACE
    "$<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized;-Wno-array-bounds;-Wno-stringop-overflow>")
  target_compile_options(mq_options INTERFACE -fsanitize=${MQ_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(mq_options INTERFACE -fsanitize=${MQ_SANITIZE})
endif()
if(MQ_FUZZ)
  # The layers report their branches to the fuzzer; only the fuzz targets themselves link its main.
  target_compile_options(mq_options INTERFACE -fsanitize=fuzzer-no-link)
  target_link_options(mq_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(MQ_COVERAGE)
  target_compile_options(mq_options INTERFACE --coverage)
  target_link_options(mq_options INTERFACE --coverage)
endif()

# A library that Debian ships as an archive is linked from it: a dynamic libstdc++ alone doubles a tool's start-up.
function(mq_archive VARIABLE NAME)
  find_library(${VARIABLE} NAMES lib${NAME}.a ${NAME} REQUIRED)
  message(STATUS "${NAME}: ${${VARIABLE}}")
endfunction()

# For the files that include RapidJSON: its empty stack adds to a null pointer, which clang's sanitizer ends at.
function(mq_includes_rapidjson)
  if(MQ_SANITIZE AND CMAKE_CXX_COMPILER_ID MATCHES Clang)
    set_source_files_properties(${ARGN} PROPERTIES COMPILE_OPTIONS -fno-sanitize=pointer-overflow)
  endif()
endfunction()

function(mq_layer NAME)
  cmake_parse_arguments(ARG "" "" "DEPS;LIBS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  if(NOT sources)
    add_library(mq_${NAME} INTERFACE)
    return()
  endif()
  add_library(mq_${NAME} STATIC ${sources})
  list(TRANSFORM ARG_DEPS PREPEND mq_)
  target_link_libraries(mq_${NAME} PUBLIC mq_options ${ARG_DEPS} PRIVATE ${ARG_LIBS})
endfunction()

# STATIC: libc too. Such a program starts in the time of /bin/true, which counts where starting is most of its work; it
# loads no libisal, so it is not for those that checksum much.
function(mq_tool NAME)
  cmake_parse_arguments(ARG "STATIC" "" "DEPS;LIBS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  add_executable(${NAME} ${sources})
  list(TRANSFORM ARG_DEPS PREPEND mq_)
  target_link_libraries(${NAME} PRIVATE mq_options mq_cli ${ARG_DEPS} ${ARG_LIBS})
  if(MQ_SANITIZE)
    # The sanitizers want their own libraries.
  elseif(ARG_STATIC)
    # The linker warns of dlopen, which base/crc32c.cc does not call then.
    target_link_options(${NAME} PRIVATE -static -Wl,--no-warnings)
  else()
    target_link_options(${NAME} PRIVATE -static-libstdc++ -static-libgcc)
  endif()
  set_target_properties(${NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
  install(TARGETS ${NAME})
endfunction()
