# What `cmake --install` puts where. The installed tree may be moved as a whole: the command finds the library, and the
# library its plugins, from their own places; the CMake package and the pkg-config file speak of nothing else either.
include(CMakePackageConfigHelpers)

set(CACHECHAIN_INSTALL_PLUGINDIR ${CMAKE_INSTALL_LIBDIR}/cachechain)
set(CACHECHAIN_INSTALL_CMAKEDIR ${CMAKE_INSTALL_LIBDIR}/cmake/cachechain)

add_library(cachechain_headers INTERFACE)
add_library(cachechain::headers ALIAS cachechain_headers)
set_target_properties(cachechain_headers PROPERTIES EXPORT_NAME headers)
target_include_directories(cachechain_headers INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/cachechain DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN *.h PATTERN *.hpp)
install(TARGETS cachechain cachechain_headers EXPORT cachechainTargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET cachechain_conformance)
  install(FILES ${PROJECT_SOURCE_DIR}/tests/conformance/conformance.h
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/cachechain)
  install(FILES
    ${PROJECT_SOURCE_DIR}/tests/conformance/history/history.h ${PROJECT_SOURCE_DIR}/tests/conformance/history/judge.h
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/cachechain/conformance)
  install(TARGETS cachechain_conformance EXPORT cachechainTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()
if(TARGET cachechain_tool)
  install(TARGETS cachechain_tool RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

# Every plugin below plugins/, and none of the tests' own.
function(cachechain_install_plugins folder)
  get_property(targets DIRECTORY ${folder} PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target IN LISTS targets)
    get_target_property(type ${target} TYPE)
    if(type STREQUAL "MODULE_LIBRARY" AND target MATCHES "^cachechain_plugin_")
      install(TARGETS ${target} LIBRARY DESTINATION ${CACHECHAIN_INSTALL_PLUGINDIR})
    endif()
  endforeach()
  get_property(folders DIRECTORY ${folder} PROPERTY SUBDIRECTORIES)
  foreach(inner IN LISTS folders)
    cachechain_install_plugins(${inner})
  endforeach()
endfunction()
if(CACHECHAIN_BUILD_PLUGINS)
  cachechain_install_plugins(${PROJECT_SOURCE_DIR}/plugins)
endif()

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/cachechainConfig.cmake.in
  ${PROJECT_BINARY_DIR}/cmake/cachechainConfig.cmake
  INSTALL_DESTINATION ${CACHECHAIN_INSTALL_CMAKEDIR} PATH_VARS CACHECHAIN_INSTALL_PLUGINDIR)
# Before 1.0 a minor release may change the interface.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/cmake/cachechainConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(EXPORT cachechainTargets NAMESPACE cachechain:: DESTINATION ${CACHECHAIN_INSTALL_CMAKEDIR})
install(FILES
  ${PROJECT_BINARY_DIR}/cmake/cachechainConfig.cmake ${PROJECT_BINARY_DIR}/cmake/cachechainConfigVersion.cmake
  ${PROJECT_SOURCE_DIR}/cmake/CachechainPlugin.cmake ${PROJECT_SOURCE_DIR}/cmake/cachechain_plugin.map
  DESTINATION ${CACHECHAIN_INSTALL_CMAKEDIR})

file(RELATIVE_PATH CACHECHAIN_PC_TO_PREFIX /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
string(REGEX REPLACE "/$" "" CACHECHAIN_PC_TO_PREFIX ${CACHECHAIN_PC_TO_PREFIX})
configure_file(${PROJECT_SOURCE_DIR}/cmake/cachechain.pc.in ${PROJECT_BINARY_DIR}/cmake/cachechain.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/cmake/cachechain.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

foreach(file cmake/cachechain.schema.json:${CMAKE_INSTALL_DATADIR}/cachechain LICENSE:${CMAKE_INSTALL_DOCDIR})
  string(REPLACE ":" ";" from_to ${file})
  list(GET from_to 0 from)
  list(GET from_to 1 to)
  install(FILES ${PROJECT_SOURCE_DIR}/${from} DESTINATION ${to} OPTIONAL)
endforeach()
