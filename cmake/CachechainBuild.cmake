# What every target of the project shares. Target-based: nothing here leaks into a project that includes us.

if(PROJECT_IS_TOP_LEVEL AND NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Build type" FORCE)
endif()

add_library(cachechain_build INTERFACE)
target_compile_features(cachechain_build INTERFACE cxx_std_20 c_std_11)
target_compile_options(cachechain_build INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wno-missing-field-initializers
  -fvisibility=hidden $<$<COMPILE_LANGUAGE:CXX>:-fvisibility-inlines-hidden>)
target_include_directories(cachechain_build INTERFACE ${PROJECT_SOURCE_DIR}/include)
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
target_link_libraries(cachechain_build INTERFACE Threads::Threads)

if(CACHECHAIN_SANITIZE)
  # -O1 and line tables: a report has its lines, and the build takes half the time.
  target_compile_options(cachechain_build INTERFACE
    -fsanitize=${CACHECHAIN_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all -O1 -g1)
  target_link_options(cachechain_build INTERFACE -fsanitize=${CACHECHAIN_SANITIZE})
  # What these tests look at is in the objects that they link. Their own code goes without UBSan, which would take as long
  # to compile again.
  set(folders unit unit/api unit/async unit/history unit/plugins conformance bad_plugins)
  list(TRANSFORM folders PREPEND "${PROJECT_SOURCE_DIR}/tests/")
  target_compile_options(cachechain_build INTERFACE
    "$<$<IN_LIST:$<TARGET_PROPERTY:SOURCE_DIR>,${folders}>:-fno-sanitize=undefined>")
endif()
