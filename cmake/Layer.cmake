# lp_layer(NAME USES layer... LIBS library...)
#
# One folder of src/ is one static library, lp_NAME, and its *_test.cc one test program, NAME_test. USES lists the layers it may
# include; the list is the rule: a layer must be declared after everything it uses, and tools/check_layers.py fails the build
# where an #include goes anywhere else. Files are globbed, so that adding one is adding one.

# Designated initialisers leave members out on purpose, and those have their defaults.
set(LP_WARNINGS -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Werror -Wno-missing-field-initializers)
set_property(GLOBAL PROPERTY LP_LAYERS "")

function(lp_layer name)
  cmake_parse_arguments(ARG "" "" "USES;LIBS;TEST_LIBS" ${ARGN})
  foreach(used ${ARG_USES})
    if(NOT TARGET lp_${used})
      message(FATAL_ERROR "layer ${name} uses ${used}, which is not declared before it: dependencies point one way only")
    endif()
  endforeach()
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cc)
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
  list(FILTER sources EXCLUDE REGEX "/main\\.cc$")
  list(TRANSFORM ARG_USES PREPEND lp_ OUTPUT_VARIABLE used_targets)

  if(sources)
    add_library(lp_${name} STATIC ${sources})
    set(scope PUBLIC)
    target_compile_options(lp_${name} PRIVATE ${LP_WARNINGS})
  else()
    add_library(lp_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(lp_${name} ${scope} $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/src>
                             $<INSTALL_INTERFACE:include/logitpeek>)
  target_compile_features(lp_${name} ${scope} cxx_std_20)
  target_link_libraries(lp_${name} ${scope} ${used_targets} ${ARG_LIBS} Threads::Threads)

  if(LP_TESTS AND tests)
    lp_test(${name}_test SOURCES ${tests} LIBS lp_${name} ${ARG_TEST_LIBS})
  endif()
  list(JOIN ARG_USES " " uses_text)
  set_property(GLOBAL APPEND PROPERTY LP_LAYERS "${name}: ${uses_text}")
endfunction()

# lp_test(NAME SOURCES file... LIBS target... [LABELS label...]): one GoogleTest program, each test known to ctest by name.
function(lp_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS;LABELS" ${ARGN})
  if(NOT ARG_LABELS)
    set(ARG_LABELS fast)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_compile_options(${name} PRIVATE ${LP_WARNINGS})
  target_link_libraries(${name} PRIVATE ${ARG_LIBS} lp_test_support GTest::gtest_main rapidcheck)
  if("fast" IN_LIST ARG_LABELS)
    # What a sanitizer build needs: `cmake --build --preset asan-ubsan --target fast_tests`.
    if(NOT TARGET fast_tests)
      add_custom_target(fast_tests)
    endif()
    add_dependencies(fast_tests ${name})
  endif()
  include(GoogleTest)
  gtest_discover_tests(${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT 300
                       DISCOVERY_TIMEOUT 60)
endfunction()

# Writes down the table that the lp_layer calls made and checks every #include against it, as part of the build.
function(lp_check_layers)
  get_property(layers GLOBAL PROPERTY LP_LAYERS)
  list(JOIN layers "\n" text)
  file(GENERATE OUTPUT ${CMAKE_BINARY_DIR}/layers.txt CONTENT "${text}\n")
  file(GLOB_RECURSE files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/*.h ${CMAKE_SOURCE_DIR}/src/*.cc)
  add_custom_command(
    OUTPUT ${CMAKE_BINARY_DIR}/layers.stamp
    COMMAND Python3::Interpreter ${CMAKE_SOURCE_DIR}/tools/check_layers.py ${CMAKE_BINARY_DIR}/layers.txt ${CMAKE_SOURCE_DIR}/src
    COMMAND ${CMAKE_COMMAND} -E touch ${CMAKE_BINARY_DIR}/layers.stamp
    DEPENDS ${files} ${CMAKE_BINARY_DIR}/layers.txt ${CMAKE_SOURCE_DIR}/tools/check_layers.py
    COMMENT "Checking that every #include follows the layers" VERBATIM)
  add_custom_target(check_layers ALL DEPENDS ${CMAKE_BINARY_DIR}/layers.stamp)
endfunction()
