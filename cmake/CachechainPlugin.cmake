# cachechain_add_plugin(NAME SOURCES file... [LINK library...])
#
# A plugin as the loader wants it: a module NAME.so with hidden symbols that exports its entry function and nothing
# else, has no undefined symbols, and is never unloaded. Installed with the package: it serves plugins outside this
# tree as well, after find_package(cachechain).

set(CACHECHAIN_PLUGIN_EXPORTS ${CMAKE_CURRENT_LIST_DIR}/cachechain_plugin.map)

function(cachechain_add_plugin name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINK")
  set(target cachechain_plugin_${name})
  add_library(${target} MODULE ${arg_SOURCES})
  set_target_properties(${target} PROPERTIES
    PREFIX "" OUTPUT_NAME ${name} C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON)
  target_compile_features(${target} PRIVATE cxx_std_20)
  target_link_libraries(${target} PRIVATE ${arg_LINK})
  target_link_options(${target} PRIVATE
    -Wl,--version-script=${CACHECHAIN_PLUGIN_EXPORTS} -Wl,-z,nodelete -Wl,-z,relro -Wl,-z,now
    -Wl,-Bsymbolic-functions)
  if(NOT CACHECHAIN_SANITIZE)  # a sanitizer's symbols come from the program
    target_link_options(${target} PRIVATE -Wl,-z,defs)
  endif()
  if(TARGET cachechain_build)
    target_link_libraries(${target} PRIVATE cachechain_build)
    set_target_properties(${target} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib/cachechain)
  else()
    target_link_libraries(${target} PRIVATE cachechain::headers)
  endif()
endfunction()
