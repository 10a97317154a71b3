# `cmake --install`: the program, and the library for find_package(logitpeek) with the target logitpeek::logitpeek. The library is all layers
# below the command line; headers keep their folders, so `#include "sampling/trace.h"` is written the same inside and outside.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(library_layers base distribution gguf quant tokenizer chat model sampling metrics dialect hub engine wire)
set(targets "")
foreach(layer ${library_layers})
  list(APPEND targets lp_${layer})
  set_target_properties(lp_${layer} PROPERTIES EXPORT_NAME ${layer})
  install(DIRECTORY ${CMAKE_SOURCE_DIR}/src/${layer}/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/logitpeek/${layer}
          FILES_MATCHING PATTERN "*.h" PATTERN "*-inl.h" EXCLUDE)
endforeach()
install(TARGETS ${targets} EXPORT logitpeek_targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}/logitpeek)
install(EXPORT logitpeek_targets NAMESPACE logitpeek:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/logitpeek)
install(TARGETS logitpeek RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})

configure_package_config_file(${CMAKE_SOURCE_DIR}/cmake/logitpeek-config.cmake.in ${CMAKE_BINARY_DIR}/logitpeek-config.cmake
                              INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/logitpeek)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/logitpeek-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/logitpeek-config.cmake ${CMAKE_BINARY_DIR}/logitpeek-config-version.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/logitpeek)
