# lp_embed_web(TARGET): builds web/ with npm and embeds web/dist in TARGET as constants. Ninja runs npm only when the lock file
# changed, Vite only when a source changed. With LP_WEB=OFF the table is empty and the server says how to get the page.
#
# `npm install --no-save` and not `npm ci`: both install what the lock file says, but `npm ci` refuses a lock file that does not list
# Rollup's packages for every other platform, and it empties node_modules under a running `npm test`.
function(lp_embed_web target)
  set(out ${CMAKE_BINARY_DIR}/web)
  file(MAKE_DIRECTORY ${out})
  set(embed ${CMAKE_SOURCE_DIR}/cmake/embed.cmake)
  if(LP_WEB)
    set(web ${CMAKE_SOURCE_DIR}/web)
    find_program(NPM npm REQUIRED)
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${web}/src/* ${web}/public/*)
    list(FILTER sources EXCLUDE REGEX "\\.test\\.ts$")
    add_custom_command(
      OUTPUT ${out}/npm.stamp
      COMMAND ${NPM} install --no-save --no-audit --no-fund --loglevel=error
      COMMAND ${CMAKE_COMMAND} -E touch ${out}/npm.stamp
      DEPENDS ${web}/package-lock.json ${web}/package.json
      WORKING_DIRECTORY ${web}
      COMMENT "Installing the page's packages (npm install)" VERBATIM)
    add_custom_command(
      OUTPUT ${out}/assets.S ${out}/assets_table.cc
      COMMAND ${NPM} run --silent build
      COMMAND ${CMAKE_COMMAND} -DDIST=${web}/dist -DOUT=${out} -P ${embed}
      DEPENDS ${out}/npm.stamp ${sources} ${web}/index.html ${web}/vite.config.ts ${web}/svelte.config.js
              ${web}/tsconfig.json ${embed}
      WORKING_DIRECTORY ${web}
      COMMENT "Building the page" VERBATIM)
  else()
    add_custom_command(
      OUTPUT ${out}/assets.S ${out}/assets_table.cc
      COMMAND ${CMAKE_COMMAND} -DDIST= -DOUT=${out} -P ${embed}
      DEPENDS ${embed} VERBATIM)
  endif()
  target_sources(${target} PRIVATE ${out}/assets.S ${out}/assets_table.cc)
  set_source_files_properties(${out}/assets.S TARGET_DIRECTORY ${target} PROPERTIES OBJECT_DEPENDS ${out}/assets_table.cc)
endfunction()
