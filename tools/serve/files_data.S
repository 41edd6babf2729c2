/* The files of files.c. */
        .include "tools/common/embed.inc"
        embed serve_page, tools/page/page.html
        embed serve_look_css, tools/page/look.css
        embed serve_look_js, tools/page/look.js
        embed serve_page_css, tools/page/page.css
        embed serve_page_js, tools/page/page.js
        embed serve_backend, tools/serve/backend.js
        embed serve_docs, tools/serve/docs.html
        embed serve_openapi, tools/serve/openapi.json
        embed serve_bus, weights/scenes/demo/scene_2035_000001.jpg
        embed serve_butterfly, weights/scenes/demo/scene_2035_000002.jpg
        embed serve_planes, weights/scenes/demo/scene_2035_000003.jpg
        embed serve_umbrella, weights/scenes/demo/scene_2035_000007.jpg
        embed serve_car, weights/scenes/demo/scene_2035_000009.jpg
        embed serve_dog, weights/scenes/demo/scene_2035_000010.jpg
        .section .note.GNU-stack, "", %progbits
